"""For all tests: how many examples Hypothesis tries, and scripts called in this process.

`make test` takes the profile `quick`; everything else, `pytest FILE` by hand too, takes `all`.
"""

import contextlib
import sys

import pytest

with contextlib.suppress(ModuleNotFoundError):  # not in engines' images, where tests/engines may run
    from hypothesis import settings

    settings.register_profile("all", max_examples=100, deadline=None)  # deadline: a loaded machine is no mistake
    settings.register_profile("quick", max_examples=20, deadline=None, derandomize=True)
    settings.load_profile("all")


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a script's main() in this process and return what it printed."""

    def call(script, *options):
        monkeypatch.setattr(sys, "argv", [script.__name__, *map(str, options)])
        script.main()
        return capsys.readouterr().out

    return call
