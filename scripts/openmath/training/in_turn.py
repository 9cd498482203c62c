"""What the first process of a training does before the others, which share its files. Needs accelerate."""

import sys
from collections.abc import Callable
from typing import TypeVar

from accelerate import PartialState
from accelerate.utils import broadcast_object_list

Result = TypeVar("Result")


def first_process_first(state: PartialState, work: Callable[[], Result]) -> Result:
    """work() in the first process, then in the others. What it raises in the first, that one says; the others just end."""
    result: list[Result] = []
    problem = None
    if state.is_main_process:
        try:
            result.append(work())
        except Exception as error:
            problem = error
    [failed] = broadcast_object_list([problem is not None])
    if failed:
        state.destroy_process_group()
        if problem:
            raise problem
        sys.exit(2)
    return result[0] if result else work()
