"""Library behind the workflow's command-line programs: evaluating math language models, one room per stage.

An import never goes up this list (tests/unit/test_rooms.py):

errors, answers, thoughts, arguments, api_keys   the ground: messages, answer and thought of a generation, types of options, keys
files                                    rows, JSON, YAML, text tables, hashes
settings, machine                        the configuration, and the names, paths and command lines that follow from it; hardware
benchmarks, client                       problems; the client of OpenAI-compatible servers
engines                                  how each server is started, watched and stopped
generation                               what a job has to compute, prompts, staging, locks
grading                                  whether two answers are the same; language: text to tree, meaning: tree to value
foreign                                  samples that other tools left, read and written in our layout
statistics                               votes, maj@k, estimates, intervals
judging                                  an LLM compares answers: questions, verdict store, online and batch
results                                  grades, modes, tables, comparison, published numbers, export
dataset                                  training sets: new problems, labels, filters, packing
training                                 fine-tuning on such a set: rows, checkpoints, curve, mean of checkpoints
plan                                     what is missing and what it will take
preflight                                what would fail later, found before the start
provenance                               where a number comes from
report                                   figures and pages
"""
