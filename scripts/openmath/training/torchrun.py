"""torchrun, but what the process that failed has said is the last word, and its exit status is ours.

torchrun itself ends with a traceback of its own, also where a message told what is wrong, or the job was terminated.
"""

import logging
import signal
import sys

from torch.distributed import run
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError


def main() -> int:
    logging.disable(logging.ERROR)  # that a process has failed is said below
    try:
        run.main(sys.argv[1:])
    except ChildFailedError as error:
        process, failure = error.get_first_failure()
        if failure.exitcode >= 0:
            return failure.exitcode
        print(f"Process {process} was killed by {signal.Signals(-failure.exitcode).name}.", file=sys.stderr)
        return 128 - failure.exitcode
    except SignalException as error:
        return 128 + error.sigval
    return 0


if __name__ == "__main__":
    sys.exit(main())
