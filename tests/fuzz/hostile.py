"""Hostile input: JSON values that fit no field, torn and foreign bytes; and the one property of every reader."""

import json

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from openmath.errors import InputError

REPEATABLE = settings(suppress_health_check=list(HealthCheck), derandomize=True)

TEXTS = st.one_of(st.text(max_size=12), st.sampled_from(["", "\\boxed{7}", "\ud800", "None", "rs1", "\x00", "1e999"]))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([10**400, -1, 2**63, float("nan")]),
    st.floats(width=32),
    TEXTS,
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)


def rows(fields: dict[str, object]) -> st.SearchStrategy[list[dict]]:
    """Rows in which each field is right, hostile or absent. fields: name -> a right value."""
    one = st.fixed_dictionaries({}, optional={name: st.just(right) | VALUES for name, right in fields.items()})
    return st.lists(one, min_size=1, max_size=4)


@st.composite
def files(draw, fields: dict[str, object]) -> bytes:
    """A JSON lines file of such rows, perhaps cut, with a byte changed, or nothing of the kind."""
    lines = [json.dumps(row) for row in draw(rows(fields))]
    content = bytearray("".join(line + "\n" for line in lines).encode())
    damage = draw(st.sampled_from(["none", "none", "cut", "byte", "foreign", "value"]))
    if damage == "cut":
        return bytes(content[: draw(st.integers(0, len(content)))])
    if damage == "byte":
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    if damage == "foreign":
        return draw(st.binary(max_size=60))
    if damage == "value":
        content += json.dumps(draw(VALUES)).encode() + b"\n"
    return bytes(content)


@st.composite
def damaged(draw, value: object) -> object:
    """A nested value of which one part is replaced, removed or renamed."""
    value = json.loads(json.dumps(value))
    parent, key = draw(st.sampled_from(places(value)))
    how = draw(st.sampled_from(["replace", "replace", "remove", "rename"]))
    hostile = draw(VALUES)
    if how == "remove":
        del parent[key]
    elif how == "rename" and isinstance(parent, dict):
        parent[str(key) + "x"] = parent.pop(key)
    else:
        parent[key] = hostile
    return value


def places(value: object) -> list[tuple]:
    """Every (container, key) of a nested value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in items for place in [(value, key), *places(inner)]]


def settles(read, *arguments, **options) -> object:
    """What a reader returns, or its InputError; any other exception is the defect that we look for."""
    try:
        return read(*arguments, **options)
    except InputError as error:
        assert str(error).strip() and "Traceback" not in str(error)
        return error
