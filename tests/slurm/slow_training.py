"""A program of the workflow, given as it is to Python, whose training steps take seconds, as those of large models do."""

import runpy
import sys
import time
from pathlib import Path

SECONDS = 2.0


def main() -> None:
    del sys.argv[0]
    sys.path.insert(0, str(Path(sys.argv[0]).parent))
    from openmath.training import trainer

    on_step_end = trainer.Stop.on_step_end

    def slowly(self, *arguments, **named):
        time.sleep(SECONDS)
        return on_step_end(self, *arguments, **named)

    trainer.Stop.on_step_end = slowly
    runpy.run_path(sys.argv[0], run_name="__main__")


main()
