r"""Loss, learning rate, speed and memory of a training by step, as SVG, PNG and PDF beside its curve.csv.

    python scripts/draw_curve.py training/demo/curve.csv

Works while the training runs, too.
"""

import argparse
from pathlib import Path

from openmath.errors import run_command


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curve", type=Path, help="curve.csv of train_model.py")
    options = parser.parse_args()

    from openmath.report.drawing import save_figure
    from openmath.report.training_curve import draw_training
    from openmath.training.curve import read_curve

    save_figure(draw_training(read_curve(options.curve)), options.curve.parent, options.curve.stem)


if __name__ == "__main__":
    run_command(main)
