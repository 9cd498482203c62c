r"""Average the weights of several checkpoints of one training: one checkpoint, which any engine serves.

    python scripts/average_checkpoints.py --checkpoints training/demo/checkpoints/step-20 training/demo/checkpoints/step-40 \
        --output models/demo/checkpoint

The mean is made in float32, a part of one tensor at a time, so that memory does not grow with the model. Configuration and
tokenizer are those of the last checkpoint. averaged.json beside the weights says what went into it.
"""

import argparse
from pathlib import Path

from openmath.errors import InputError, run_command
from openmath.settings.defaults import CHECKPOINT_DTYPES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoints", required=True, nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--output", required=True, type=Path, help="folder of the averaged checkpoint")
    parser.add_argument("--dtype", choices=CHECKPOINT_DTYPES, help="of the result; default: as the checkpoints")
    parser.add_argument(
        "--gguf-like", type=Path, metavar="FOLDER", help="llama.cpp: with the GGUF file that training began with"
    )
    parser.add_argument("--training", metavar="RUN", help="its name, with --manifest")
    parser.add_argument("--manifest", type=Path, help="gets what download_checkpoint.py writes of other checkpoints")
    parser.add_argument("--steps", nargs="+", type=int, help="that the configuration names, as the manifest has them")
    options = parser.parse_args()

    from openmath.training.averaging import average

    if len(set(options.checkpoints)) != len(options.checkpoints):
        raise InputError(
            "A checkpoint is named twice.", where="--checkpoints", found=" ".join(map(str, options.checkpoints))
        )
    average(options.checkpoints, options.output, options.dtype)
    if options.gguf_like:
        from openmath.training.gguf import write_gguf

        write_gguf(options.output, options.gguf_like)
    if options.manifest:
        from openmath.training.averaging import write_checkpoint_record

        write_checkpoint_record(options.output, options.manifest, options.training, options.steps)
    print(f"{options.output}: mean of {len(options.checkpoints)} checkpoints")


if __name__ == "__main__":
    run_command(main)
