"""`python -m reports RECORDS -o DIR`: the HTML report of a run; `python -m reports evidence`: a table over several."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from reports.evidence import evidence
from reports.load import BadRecords, load
from reports.render import render


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, or 2 where the input or the output cannot be used."""
    given = sys.argv[1:] if arguments is None else arguments
    command = _evidence if given[:1] == ["evidence"] else _report
    try:
        print(command(given[1:] if command is _evidence else given))
    except BadRecords as error:
        print(f"reports: {error}", file=sys.stderr)
        return 2
    return 0


def _report(arguments: list[str]) -> Path:
    parser = argparse.ArgumentParser(
        prog="python -m reports",
        description="Render the records of a run as static HTML: DIR/index.html, and one page per claim case in "
        "DIR/claims. The pages need no network and no server. Records that are damaged are named and left out.",
        epilog="python -m reports evidence --help: a table of how values spread over several runs.",
    )
    parser.add_argument("records", metavar="RECORDS", type=Path, help="folder of a run, the one that holds run.json")
    output = "folder of the report; made if it is not there, and an earlier report in it is replaced"
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help=output)
    options = parser.parse_args(arguments)
    loaded = load(options.records)
    index = _written(options.output, "report", lambda: render(loaded, options.output))
    for problem in loaded.problems:
        print(f"reports: left out: {problem}", file=sys.stderr)
    return index


def _evidence(arguments: list[str]) -> Path:
    parser = argparse.ArgumentParser(
        prog="python -m reports evidence",
        description="Write a Markdown table of several runs with different seeds: per case its verdicts, the mean and "
        "spread of its values over all seeds, and the least headroom, at each scale.",
    )
    parser.add_argument("records", metavar="RECORDS", type=Path, nargs="+", help="folders of the runs")
    output = "the Markdown file; an earlier one is replaced"
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help=output)
    parser.add_argument("--command", default="python -m reports evidence", help="what the table says it is made by")
    options = parser.parse_args(arguments)
    runs = [load(folder) for folder in options.records]
    for problem in (problem for loaded in runs for problem in loaded.problems):
        raise BadRecords(f"{problem}; expected whole runs")
    return _written(options.output, "table", lambda: evidence(runs, options.output, options.command))


def _written(place: Path, what: str, write: Callable[[], Path]) -> Path:
    try:
        return write()
    except OSError as error:
        reason = error.strerror or error
        raise BadRecords(
            f"{place}: cannot write the {what} there ({reason}); expected a place that can be made and written to"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
