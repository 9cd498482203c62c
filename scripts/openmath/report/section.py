"""A part of the report page: its HTML, and the styles and scripts it brings along."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """One part of the page. `html` is finished: text from data was escaped by whoever wrote it."""

    anchor: str
    title: str
    html: str
    styles: str = ""
    scripts: tuple[str, ...] = ()
