"""A part of the report page: its HTML, and the styles and scripts it brings along."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """One part of the page. `html` is finished: text from data was escaped by whoever wrote it.

    loads_scripts: its scripts read others that lie beside the page.
    """

    anchor: str
    title: str
    html: str
    styles: str = ""
    scripts: tuple[str, ...] = ()
    loads_scripts: bool = False
