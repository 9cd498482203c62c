"""Writes what follows from scripts/openmath/settings/config_model.py: config/schema.json and the tables of config/README.md.

python docs/write_config_reference.py            after each change of a key; a test fails while they differ
"""

import json
import re
import sys
from pathlib import Path

from pydantic import MISSING
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticUndefined

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from openmath.settings.config_model import Configuration  # noqa: E402
from openmath.settings.config_types import Section, section_of  # noqa: E402

SCHEMA, README = ROOT / "config/schema.json", ROOT / "config/README.md"
OF_ITS_OWN = (
    "models",
    "generation",
    "engines",
    "judges",
    "dataset",
    "training",
)  # keys whose section has a heading and a table in the README
TABLE = re.compile(r"(<!-- table of (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)


class WithoutTitles(GenerateJsonSchema):
    """Of keys: pydantic's titles only repeat them."""

    def field_title_should_be_set(self, schema) -> bool:
        return False


def schema_text() -> str:
    """JSON schema of a configuration, for editors."""
    schema = Configuration.model_json_schema(schema_generator=WithoutTitles)
    return json.dumps({"$schema": WithoutTitles.schema_dialect, **schema}, indent=2) + "\n"


def readme_text(readme: str) -> str:
    """The README with each of its tables made anew."""
    return TABLE.sub(lambda found: found[1] + table(found[2]) + found[3], readme)


def table(key: str) -> str:
    """Markdown table of the section below a key of the top level; of the top level itself for "the top level"."""
    if key == "the top level":
        section = Configuration
    else:
        section, _ = section_of(Configuration.model_fields[key].annotation)
    return "| key | default | a change costs | meaning |\n|---|---|---|---|\n" + "".join(rows(section))


def rows(section: type[Section], above: str = ""):
    """One row per key; keys below a key follow it."""
    for name, field in section.model_fields.items():
        if section is Configuration and name in OF_ITS_OWN:
            continue
        below, _ = section_of(field.annotation)
        notes = field.json_schema_extra
        default = notes.get("unset", "" if below else shown(field.default))
        yield f"| `{above}{name}` | {default} | {notes['costs']} | {linked(field.description)} |\n"
        if below:
            yield from rows(below, f"{above}{name}: ")


def shown(default: object) -> str:
    """A default for the README; nothing where there is none."""
    if default in (PydanticUndefined, MISSING):
        return ""
    return f"`{default}`" if default and isinstance(default, str) else f"`{json.dumps(default)}`"


def linked(text: str) -> str:
    """Text for config/README.md: files that it names become links."""
    text = re.sub(r"\bdocs/(\w+\.md)", r"[docs/\1](../docs/\1)", text)
    return re.sub(r"\bconfig/([\w.]+/?)", r"[\1](\1)", text)


def main():
    SCHEMA.write_text(schema_text())
    README.write_text(readme_text(README.read_text()))


if __name__ == "__main__":
    main()
