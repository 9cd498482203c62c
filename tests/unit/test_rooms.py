"""The library's rooms stand in floors, as openmath/__init__.py lists them: an import goes down or stays in its room, never up."""

import re

from unit.import_graph import LIBRARY, MODULES, imports

import openmath

ROOMS = [module for module in MODULES if module.startswith("openmath.")]


def floors() -> list[list[str]]:
    """The rooms of each floor, ground first, from the library's own docstring."""
    lines = re.findall(r"^(\w[\w, ]*?)   +\S", openmath.__doc__, re.MULTILINE)
    return [line.split(", ") for line in lines]


def room_of(module: str) -> str:
    return module.split(".")[1]


def test_every_room_has_a_floor():
    rooms = {path.stem for path in LIBRARY.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert sorted(rooms - {"__init__"}) == sorted(room for floor in floors() for room in floor)


def test_imports_never_go_up():
    height = {room: number for number, floor in enumerate(floors()) for room in floor}
    upward = [
        f"{importer} imports {module}"
        for importer in ROOMS
        for module in imports(importer)
        if module in ROOMS and height[room_of(importer)] < height[room_of(module)]
    ]
    assert not upward, "\n".join(upward)


def test_rooms_have_no_circles():
    """Between files: what imports each other can only be read together."""
    graph = {module: imports(module) for module in ROOMS}
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join((*above, module))
        if module not in done:
            for other in graph.get(module, ()):
                visit(other, (*above, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_the_page_that_says_where_things_are_names_files_that_exist():
    page = (LIBRARY.parents[1] / "docs/development.md").read_text()
    table = page.partition("## Where is it?")[2].partition("## ")[0]
    paths = re.findall(r"`([\w./]+)`", table)[1:]
    assert len(paths) > 15
    assert not [path for path in paths if not ((LIBRARY / path).exists() or (LIBRARY.parents[1] / path).exists())]
