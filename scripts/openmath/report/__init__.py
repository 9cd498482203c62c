"""What people look at: figures for papers, and one page of all results that opens offline.

figures         the list of figures: a new one is an entry there
figure_tables   the rows that are drawn, and the numbers behind them, as data frames
drawing         matplotlib figures of them; the only user of matplotlib
summaries       one summary folder, read back
overview        first section of the page: sentences, chart, warnings, judges, methods
results         sections of the page: one per model and judge, comparisons, links to pages of samples
costs           section of the page: tokens, hours, judge calls, dollars
viewer          section of the page: the sample viewer with its data
sample_sets     which files the viewer shows of a model
section         what a section is
page            sections -> one HTML file
assets/         templates and styles of the page
"""
