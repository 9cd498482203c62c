"""Photographs the first screen of a report as report.png beside this file.

python docs/images/photograph.py results/report.html        # after `make demo`; needs Chromium
"""

import argparse
import shutil
import subprocess
from pathlib import Path

WIDTH, HEIGHT = 1100, 760  # CSS pixels: the front page down to its chart


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    options = parser.parse_args()
    browser = shutil.which("chromium") or shutil.which("google-chrome") or parser.error("Chromium is not installed")
    target = Path(__file__).with_name("report.png")
    look = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}"]
    subprocess.run([browser, *look, f"--screenshot={target}", options.report.resolve().as_uri()], check=True)


if __name__ == "__main__":
    main()
