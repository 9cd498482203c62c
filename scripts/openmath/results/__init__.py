"""From grades and verdicts to tables: grades as arrays, modes, tables, comparison, published numbers, export."""
