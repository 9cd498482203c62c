"""Samples that other tools left, read as they stand: who made them, of which benchmark, in which runs. Nothing is run or unpacked.

found         what a reader says of a file: a Source, its runs and rows
reading       lines, gzip and zip members, all bounded: a foreign file may be anything
texts         what a problem, a reference and an answer are called elsewhere
nemo_skills, lm_eval, inspect_logs, lighteval, tables     one reader per tool
standing      folders of output-*.jsonl that are read where they stand
folder        which file of a folder is whose, and what is left out
matching      whether the problems are those of a benchmark of ours
collection    samples of one model, spooled, sorted into runs and published in our layout
configured    what is to be said of the folders that a configuration names
findings      what was found, as text and as a configuration
"""
