"""What the configuration says, and what follows from it without looking at a file: names, paths, command lines of scripts."""
