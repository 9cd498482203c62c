"""What people look at: figures for papers, and one page of all results that opens offline.

figures         the list of figures: a new one is an entry there
figure_tables   the rows that are drawn, and the numbers behind them, as data frames
drawing         matplotlib figures of them; the only user of matplotlib
summaries       one summary folder, read back
overview        first section of the page: sentences, chart, warnings, judges, methods
results         sections of the page: one per model and judge, comparisons
meanings        what the heads of columns mean
gains           what a training has changed, by the comparison with its base
training_sets   section of the page: the stages of each set
trainings       section of the page: what each training was made from, its curves, the cards of its models
training_curve  matplotlib figures of a training
model_card      what is to be said of a trained model
costs           section of the page: tokens, hours, judge calls, dollars
sample_sets     which files the sample viewer shows of a model
sample_texts    texts in bounded length
sample_blocks   what it knows of a model on a benchmark, in blocks
sample_files    these blocks beside the page, and all seeds of each problem
prompt_shown    the prompt as it was sent
viewer          section of the page: the sample viewer, with the blocks as long as they fit
section         what a section is
page            sections -> one HTML file
assets/         templates and styles of the page
"""
