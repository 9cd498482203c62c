"""From a tree to what it means: exact values, relations, sums, and the key that equal answers share."""
