"""What keys of the configuration are made of: sections, the words about a key, and types of values.

Nothing is converted: `seeds: "8"` is a mistake.
"""

from datetime import date
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
)
from pydantic_core import PydanticCustomError

from openmath.arguments import ADDRESS


class Section(BaseModel):
    """A mapping of known keys. Nothing is converted: `seeds: "8"` is a mistake. A key whose default is MISSING may be absent."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def key(default: object, meaning: str, *, costs: str, unset: str | None = None, **limits: Any) -> Any:
    """One key. default: `...` has to be given. costs: what a change costs. unset: in words, what holds where it is not given.

    limits: of pydantic.Field.
    """
    notes: dict[str, Any] = {"costs": costs} | ({"unset": unset} if unset else {})
    return Field(default, description=meaning, json_schema_extra=notes, **limits)


def _without_repeats(items: list) -> list:
    for number, item in enumerate(items):
        if item in items[:number]:
            raise PydanticCustomError("repeated", "{item} is listed twice", {"item": repr(item)})
    return items


def _no_tables_without_judge(name: str) -> str:
    if name == "none":
        raise PydanticCustomError("reserved", "'none' names the tables without a judge")
    return name


def not_zero(number: int) -> int:
    if number == 0:
        raise PydanticCustomError("zero", "0 jobs compute nothing")
    return number


def number_or_auto(value: object, check: ValidatorFunctionWrapHandler) -> object:
    """One message in place of one for each of the two."""
    try:
        return check(value)
    except ValidationError:
        told = {"value": repr(value)}
        raise PydanticCustomError(
            "number_or_auto", "{value} is neither a number of at least 1 nor 'auto'", told
        ) from None


def _a_day(value: object) -> object:
    try:
        return date.fromisoformat(value).isoformat()  # type: ignore[arg-type] # of another type: a TypeError
    except (TypeError, ValueError):  # YAML makes no text of a date unless it stands in quotes
        raise PydanticCustomError(
            "day", "{day} is no day; expected 'YYYY-MM-DD', in quotes", {"day": str(value)}
        ) from None


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]  # becomes a folder
JudgeName = Annotated[Name, AfterValidator(_no_tables_without_judge)]
Address = Annotated[str, Field(pattern=ADDRESS)]
Variable = Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]{0,63}$")]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Day = Annotated[str, BeforeValidator(_a_day, json_schema_input_type=str)]
Unique = AfterValidator(_without_repeats)
EmptyIfNull = BeforeValidator(lambda settings: {} if settings is None else settings)  # `vllm:` with nothing below it
ListOfOne = BeforeValidator(
    lambda value: [value] if isinstance(value, str) else value, json_schema_input_type=str | list[str]
)


def section_of(annotation: object) -> tuple[type[Section] | None, bool]:
    """The section that the type of a key holds, if any, and whether it is one of several, each by a name."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation, False
    if get_origin(annotation) is dict:
        return section_of(get_args(annotation)[1])[0], True
    if get_origin(annotation) in (Annotated, Union, UnionType):
        return next((found for part in get_args(annotation) if (found := section_of(part))[0]), (None, False))
    return None, False
