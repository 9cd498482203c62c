import sys

import pytest


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a script's main() in this process and return what it printed."""

    def call(script, *options):
        monkeypatch.setattr(sys, "argv", [script.__name__, *map(str, options)])
        script.main()
        return capsys.readouterr().out

    return call
