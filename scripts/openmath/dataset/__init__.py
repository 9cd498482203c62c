"""Training sets made by a model: its solutions filtered, its new problems labelled by vote, and both packed."""
