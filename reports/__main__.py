"""`python -m reports RECORDS -o DIR`: the HTML report of a run, from its records alone."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reports.load import BadRecords, load
from reports.render import render


def main(arguments: list[str] | None = None) -> int:
    """Render a report; returns the exit status: 0, or 2 where the input or the output folder cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m reports",
        description="Render the records of a run as static HTML: DIR/index.html, and one page per claim case in "
        "DIR/claims. The pages need no network and no server. Records that are damaged are named and left out.",
    )
    parser.add_argument("records", metavar="RECORDS", type=Path, help="folder of a run, the one that holds run.json")
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        required=True,
        help="folder of the report; made if it is not there, and an earlier report in it is replaced",
    )
    options = parser.parse_args(arguments)
    try:
        loaded = load(options.records)
    except BadRecords as error:
        print(f"reports: {error}", file=sys.stderr)
        return 2
    try:
        index = render(loaded, options.output)
    except OSError as error:
        reason = error.strerror or error
        print(f"reports: {options.output}: cannot write the report there ({reason}); expected a folder that can be "
              "made and written to", file=sys.stderr)  # fmt: skip
        return 2
    for problem in loaded.problems:
        print(f"reports: left out: {problem}", file=sys.stderr)
    print(index)
    return 0


if __name__ == "__main__":
    sys.exit(main())
