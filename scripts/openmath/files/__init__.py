"""Files of any kind: rows of JSON lines, JSON, YAML, text tables, and the hashes that name their content."""
