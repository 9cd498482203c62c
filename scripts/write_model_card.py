r"""What is to be said of a trained model: base, data, training, results, limits, licences; as a card for the Hugging Face hub.

    python scripts/write_model_card.py --training training/demo/training.json --dataset datasets/demo/train.parquet \
        --checkpoint models/smollm2-trained/checkpoint --summaries results/smollm2-trained/summary/none \
        --comparisons results/compare/smollm2-trained-vs-smollm2-135m/none/comparison.csv --output models/smollm2-trained/card.md

Upload it as README.md with the files of the checkpoint.
"""

import argparse
from pathlib import Path

from openmath.errors import parts_of, run_command
from openmath.files.rows import write_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--training", required=True, type=Path, help="training.json of train_model.py")
    add("--dataset", required=True, type=Path, help="the training set, beside which its manifest may lie")
    add("--checkpoint", required=True, type=Path, help="folder of average_checkpoints.py")
    add("--summaries", required=True, nargs="+", type=Path, help="results/MODEL/summary/JUDGE folders of the model")
    add("--comparisons", nargs="*", default=[], type=Path, help="comparison.csv of compare_models.py")
    add("--output", required=True, type=Path)
    options = parser.parse_args()

    from openmath.dataset.behind import set_behind
    from openmath.files.json_files import read_json
    from openmath.report.model_card import model_card
    from openmath.report.summaries import read_summary

    record = read_json(options.training, "the record of a training")
    averaged = read_json(options.checkpoint / "averaged.json", "the record of an average")
    summaries = [read_summary(folder) for folder in options.summaries]
    with parts_of("a training with the results of its model", options.training):
        behind = set_behind(options.dataset, record["dataset"]["sha256"])
        text = model_card(record, averaged, behind, summaries, options.comparisons)
    write_text(options.output, text)


if __name__ == "__main__":
    run_command(main)
