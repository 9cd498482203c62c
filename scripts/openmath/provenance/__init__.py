"""Where a number comes from: the manifest of a summary, the chain behind one cell of its tables, the paragraph for a paper.

public        what may be published: no secret, no path of this machine
workflow      which code this is: commit, version, hash
stages        what the stages have written down, and which of it belongs to one summary
records       what each stage writes down, and the manifest: their keys and units
manifest      all of it in one record, with the sha256 of every file of the chain
cells         a cell of the tables: its value in the files, and computed again from grades and verdicts
chain         a cell -> the files behind it, each hash checked
regrading     the grades behind a cell, made again from the samples
problem       what became of one problem
rendering     a chain as a tree
training      a training in words: facts, and sentences of the paragraph
methods       the manifest as a paragraph
words         lists, citations, models and machines, as several texts have them
bibliography  what has to be cited for it
"""
