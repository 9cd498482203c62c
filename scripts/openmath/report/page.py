"""Sections -> one HTML file that opens offline, runs no script but its sections' own and what these load, and fetches nothing else.

Templates are Jinja2's with autoescape: whatever comes from data is text. The Content-Security-Policy is the second wall.
"""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from openmath.errors import InputError
from openmath.report.section import Section

ASSETS = Path(__file__).parent / "assets"


def percent(value: float | str | None) -> str:
    """0.677 -> '67.70'; '' for None, an empty cell and nan."""
    return "" if value in (None, "") or value != value else f"{100 * float(value):.2f}"


def with_interval(value: float, low: float, high: float) -> Markup:
    """67.70 with its interval in smaller print; all three proportions."""
    bounds = f"[{100 * float(low):.1f}, {100 * float(high):.1f}]"
    return Markup('{} <span class="interval">{}</span>').format(percent(value), bounds)


ENVIRONMENT = Environment(
    loader=FileSystemLoader(ASSETS), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
ENVIRONMENT.filters["percent"] = percent
ENVIRONMENT.globals["with_interval"] = with_interval


def render(template: str, **values: object) -> str:
    """HTML of a template in assets/; values are escaped."""
    return ENVIRONMENT.get_template(template).render(**values)


def render_page(title: str, sections: Sequence[Section], masthead: str = "") -> str:
    """The whole page. masthead: the line below its title. A script that would end its own element is refused."""
    scripts = [script for section in sections for script in section.scripts]
    if any("</script" in script.lower() or "<!--" in script for script in scripts):
        raise InputError("A script of the page would end too early.", found="</script or <!-- in it")
    return render(
        "page.html",
        title=title,
        masthead=masthead,
        content_security_policy=content_security_policy(scripts, any(section.loads_scripts for section in sections)),
        styles=Markup((ASSETS / "report.css").read_text()),
        sections=[(section, Markup(section.html)) for section in sections],
        scripts=[Markup(script) for script in scripts],
    )


def content_security_policy(scripts: Sequence[str], loading: bool = False) -> str:
    """Nothing may be fetched; of scripts only these may run. loading: and those that these load; no text of a page can be one."""
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    allowed += " 'strict-dynamic'" if loading else ""
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; script-src {allowed}; "
        "base-uri 'none'; form-action 'none'"
    )
