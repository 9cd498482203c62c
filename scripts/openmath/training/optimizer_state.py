"""The optimizer's state for a training that goes on with more or fewer GPUs. Needs torch.

transformers stores it whole where one process trains, by the places of the weights, and in parts where several do, by their names.
Each reads its own form; these two read the other's.
"""

from pathlib import Path

import torch
from torch.distributed import checkpoint
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)

WHOLE, PARTS = "optimizer.pt", "optimizer_0"  # transformers' names
WRAPPER = "_checkpoint_wrapped_module."  # in names, with activation_checkpointing


def parts_to_one(folder: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Give the optimizer of one process what several have stored in folder/PARTS."""
    state = {"optimizer": get_optimizer_state_dict(model, optimizer)}
    checkpoint.load(state, checkpoint_id=str(folder / PARTS), no_dist=True)
    set_optimizer_state_dict(model, optimizer, state["optimizer"])


def whole_to_several(folder: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, first: bool) -> None:
    """Deal to the optimizers of all processes what one has stored in folder/WHOLE. first: this process is to read it."""
    state: dict = {}
    if first:
        stored = torch.load(folder / WHOLE, map_location="cpu", weights_only=True, mmap=True)
        names = {id(weight): name.replace(WRAPPER, "") for name, weight in model.named_parameters()}
        order = [names[id(weight)] for group in optimizer.param_groups for weight in group["params"]]
        state["state"] = {order[place]: values for place, values in stored["state"].items()}
        state["param_groups"] = [
            group | {"params": [order[place] for place in group["params"]]} for group in stored["param_groups"]
        ]
    options = StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)
    set_optimizer_state_dict(model, optimizer, state, options=options)
