"""Generation: what a job has to compute, prompts, staging of finished samples, locks, progress."""
