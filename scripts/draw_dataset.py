r"""The stages of a training set as a figure: what each step left and dropped; as SVG, PNG, PDF and CSV.

    python scripts/draw_dataset.py datasets/demo

Reads FOLDER/counts.json and writes FOLDER/stages.svg, .png, .pdf and .csv.
"""

import argparse
from pathlib import Path

from openmath.errors import parts_of, run_command
from openmath.files.rows import write_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of pack_dataset.py")
    draw(parser.parse_args().folder)


def draw(folder: Path) -> None:
    import pandas

    from openmath.dataset.stages import stages
    from openmath.files.json_files import read_json
    from openmath.files.text_tables import csv_text
    from openmath.report.drawing import draw_stages, message, save_figure

    counts = read_json(folder / "counts.json", "the counts of a training set")
    with parts_of("the counts of a training set", folder / "counts.json"):
        steps = pandas.DataFrame(stages(counts))
    save_figure(message("Nothing was written.") if steps.empty else draw_stages(steps), folder, "stages")
    write_text(folder / "stages.csv", csv_text(steps))


if __name__ == "__main__":
    run_command(main)
