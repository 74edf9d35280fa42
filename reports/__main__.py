"""Command line: `python -m reports RECORDS -o DIR` reports a run; `diff`, `evidence`, `table` and `shots` too."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from . import diff
from .escaping import visible_line
from .evidence import evidence
from .history import BadHistory, default_history
from .load import BadRecords, Loaded, load_run
from .publish import publish
from .shots import take_pictures
from .spreads import PLACE as EVIDENCE
from .table import put_table, result_table

PROGRAM = f"python -m {__package__}"
"""This command; the package has a name of its own where it is installed."""

TURNED = 3
"""Exit status if a verdict has turned bad; distinct from that of a crash of Python."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit status: 0; 2 where the input or the output cannot be used; `TURNED` from `diff --exit-code`.
    """
    given = sys.argv[1:] if arguments is None else arguments
    named = {"evidence": _evidence, "diff": _diff, "table": _table, "shots": _shots}
    try:
        if given and given[0] in named:
            return named[given[0]](given[1:])
        return _report(given)
    except (BadRecords, BadHistory) as error:
        print(f"{__package__}: {visible_line(str(error), 2000)}", file=sys.stderr)
        return 2


def _report(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Render the records of a run as static HTML: DIR/index.html, one page per claim case in "
        "DIR/claims; for other programs records.json, junit.xml, summary.md and badge.svg. The pages need no "
        "network and no server. Records that are damaged are named and left out.",
        epilog=f"{PROGRAM} diff --help: what is different between two runs. "
        f"{PROGRAM} evidence --help: tables of how values spread over several runs. "
        f"{PROGRAM} table --help: how many statements of each paper hold. "
        f"{PROGRAM} shots --help: pictures of the map and of a page.",
    )
    parser.add_argument("records", metavar="RECORDS", type=Path, help="folder of a run, the one that holds run.json")
    output = "folder of the report; made if it is not there, and an earlier report in it is replaced"
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help=output)
    kept = "append the run to this history, made if it is not there, and show what has changed and pages over runs; "
    kept += f"drift is told from the evidence in {EVIDENCE}, where it is there"
    parser.add_argument("--history", metavar="FILE", type=Path, help=kept)
    options = parser.parse_args(arguments)
    loaded = load_run(options.records)
    print(_written(options.output, "report", lambda: publish(loaded, options.output, options.history)))
    for problem in loaded.problems:
        print(f"{__package__}: left out: {visible_line(problem, 2000)}", file=sys.stderr)
    return 0


def _diff(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} diff",
        description="Say what is different between two runs at one scale: cases that are new, gone, fixed, broken, "
        "changed (another verdict or tolerance, or other values of the same seeds), drifted (an interval outside the "
        "range of before) or slower, with the numbers before -> after.",
        epilog="The exit status is 0 whatever is different, 2 if a run cannot be found or read, and with --exit-code "
        f"{TURNED} if a verdict has changed to one that a run is red for.",
    )
    names = "folder of a run's records, or its id in the history or how that begins, or latest, or previous: the last "
    names += "run at the other one's scale that came to its end before it"
    parser.add_argument("first", metavar="RUN_A", help=names)
    parser.add_argument("second", metavar="RUN_B", help="the same")
    page = "write a page as well: a name that ends in .html, or a folder for diff.html"
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help=page)
    place = default_history(Path())
    kept = f"where runs that are no folders are looked for (default: {place})"
    parser.add_argument("--history", metavar="FILE", type=Path, default=place, help=kept)
    only = "leave out all but other verdicts, and new cases that a run is red for"
    parser.add_argument("--verdicts", action="store_true", help=only)
    status = f"exit with {TURNED} if a verdict has changed to one that a run is red for"
    parser.add_argument("--exit-code", action="store_true", help=status)
    options = parser.parse_args(arguments)
    before, now = diff.two_runs(options.first, options.second, options.history)
    found = diff.compare(before, now)
    if options.verdicts:
        found = {nodeid: change for nodeid, change in found.items() if change.verdict}
    if options.output:
        _written(options.output, "page", lambda: diff.write_diff(before, now, found, options.output))
    for loaded in (before, now):
        for problem in loaded.problems:
            print(f"{__package__}: left out: {visible_line(problem, 2000)}", file=sys.stderr)
    encoding = sys.stdout.encoding or "utf-8"
    print(diff.text(before, now, found).encode(encoding, "backslashreplace").decode(encoding))
    turned = any(change.verdict and change.fails for change in found.values())
    return TURNED if options.exit_code and turned else 0


def _evidence(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} evidence",
        description="Write a Markdown table a paper of several runs with different seeds: per case its verdicts, the "
        "mean, spread and skewness of its values over all seeds, the share of them on the right side, and the least "
        "headroom, at each scale; and the same as JSON.",
    )
    parser.add_argument("records", metavar="RECORDS", type=Path, nargs="+", help="folders of the runs")
    output = "folder of PAPER.md and PAPER.json; made if it is not there, and earlier ones of these papers are replaced"
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help=output)
    parser.add_argument("--command", default=f"{PROGRAM} evidence", help="what the tables say they are made by")
    options = parser.parse_args(arguments)
    runs = [_whole(folder) for folder in options.records]
    print(_written(options.output, "tables", lambda: evidence(runs, options.output, options.command)))
    return 0


def _table(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} table",
        description="Print a Markdown table of a run: how many statements of each paper hold, are not reproduced, are "
        "not coded, and cannot be tested.",
    )
    parser.add_argument("records", metavar="RECORDS", type=Path, help="folder of a run, the one that holds run.json")
    into = "write it into this file instead, between two marks; without them the error names them"
    parser.add_argument("--into", metavar="FILE", type=Path, help=into)
    options = parser.parse_args(arguments)
    run = _whole(options.records)
    print(_written(options.into, "table", lambda: put_table(run, options.into)) if options.into else result_table(run))
    return 0


def _shots(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} shots",
        description="Take pictures of a report's map and of a claim's page, with Chromium, for a README: map.png and "
        "claim.png, 1280 by 800 pixels.",
    )
    parser.add_argument("report", metavar="REPORT", type=Path, help="folder of a report, the one with index.html")
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="folder of the pictures")
    words = "words of the name of the claim's page, as in its address (default: the first page)"
    parser.add_argument("--claim", metavar="WORDS", default="", help=words)
    options = parser.parse_args(arguments)
    taken = partial(take_pictures, options.report, options.claim, options.output)
    print(_written(options.output, "pictures", taken))
    return 0


def _whole(folder: Path) -> Loaded:
    """A run of which no record is damaged. Raises `BadRecords` otherwise."""
    loaded = load_run(folder)
    for problem in loaded.problems:
        raise BadRecords(f"{problem}; expected a whole run")
    return loaded


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
