"""From the text of an answer to a tree: spelling, words around a formula, tokens, parser."""
