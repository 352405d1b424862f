"""`make bench`: measure, print the tables, write bench/latest.json.

BENCH_SURVEYS=10000 says how many surveys are counted; BENCH_FULL=1 runs everything at its full size (half an hour).
`--keep` puts the figures where `python -m infra cost` and the documentation read them.
"""

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from bench.measure import FULL, Size, measure
from bench.report import kept_in_documents, show
from infra.aws.bill import FIGURES
from infra.commands.screen import Screen

HERE = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    """Measure everything; what misses its budget is told and is no error."""
    size = FULL if os.environ.get("BENCH_FULL") else Size()
    if os.environ.get("BENCH_SURVEYS"):
        size = replace(size, surveys=int(os.environ["BENCH_SURVEYS"]))
    begun = time.monotonic()
    screen = Screen()
    found = measure(size, lambda text: print(f"[{time.monotonic() - begun:4.0f} s] {text} …", file=sys.stderr))
    found.latest["seconds"] = round(time.monotonic() - begun, 1)
    show(found, screen)
    (HERE / "latest.json").write_text(json.dumps(found.latest, indent=1, ensure_ascii=False) + "\n")
    if "--keep" in arguments:
        FIGURES.write_text(json.dumps(found.figures, indent=1) + "\n")
        kept_in_documents(found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
