"""What grading one answer may take: characters, CPU time, memory. pool.py enforces them from outside."""

MAX_CHARACTERS = 20_000  # longer answers are compared as text only; the longest real answer of the sets has 1,900
CPU_LIMIT_S = 1.0  # CPU seconds for one pair, by the worker's own clock; the slowest real pair takes 0.2
MEMORY_LIMIT_BYTES = 768 * 2**20  # address space above the idle worker; the promise to users is 1 GiB
KILL_AFTER_S = 1.5  # CPU seconds on one pair after which the worker is killed: the soft limit plus a margin
STUCK_AFTER_S = 120  # wall seconds without any progress: a worker that neither computes nor answers is replaced


class TooLarge(Exception):
    """The answer asks for more work than an answer is worth; it is compared as text."""
