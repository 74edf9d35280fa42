"""The command line of a run of claims."""

from __future__ import annotations

import argparse

import pytest

from gen_core.experiment import SCALES


def add_options(parser: pytest.Parser) -> None:
    """Add the options, each with what it takes and what it is by default."""
    group = parser.getgroup("gen-core", "claims with controlled error")
    add = group.addoption
    add("--scale", choices=SCALES, default="standard", help="size at which claims run (default: standard)")
    add(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where trainings run (default: a GPU if there is one)",
    )
    add(
        "--seeds-from",
        dest="seeds_from",
        type=_seeds,
        default="0",
        metavar="N|fresh",
        help="base of the seeds (default: 0); 'fresh' draws one from the date and prints it",
    )
    add(
        "--max-seeds",
        dest="max_seeds",
        type=_at_least_two,
        default=64,
        metavar="N",
        help="most seeds before a claim is INCONCLUSIVE (default: 64)",
    )
    add(
        "--error-budget",
        dest="error_budget",
        type=_chance,
        default=0.01,
        metavar="P",
        help="chance of any false verdict per side in the whole run (default: 0.01)",
    )
    add(
        "--budget-over",
        dest="budget_over",
        type=_at_least_one,
        default=None,
        metavar="N",
        help="split the error budget over N cases (default: those collected)",
    )
    add(
        "--report-dir",
        dest="report_dir",
        default="report",
        metavar="DIR",
        help="where records and report go (default: report)",
    )
    add("--store", default=".gen-core/store", metavar="DIR", help="where trainings are kept (default: .gen-core/store)")
    add(
        "--data-dir",
        dest="data_dir",
        default=None,
        metavar="DIR",
        help="where data sets are (default: GEN_CORE_DATA, then the user's cache)",
    )
    add(
        "--require-data",
        dest="require_data",
        action="store_true",
        help="a data set that is missing is an ERROR, not NOT RUN",
    )
    add(
        "--plan",
        action="store_true",
        help="print what would be trained, who shares it and its estimated cost (with --collect-only)",
    )
    add(
        "--list-claims",
        dest="list_claims",
        action="store_true",
        help="print a table of the selected claims and run nothing",
    )


def _seeds(text: str) -> str:
    if text != "fresh" and not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number of at least 0, or 'fresh'")
    if text != "fresh" and int(text) >= 2**53:
        raise argparse.ArgumentTypeError(f"{text}; expected a number below 2^53")
    return text


def _at_least_two(text: str) -> int:
    return _whole(text, 2)


def _at_least_one(text: str) -> int:
    return _whole(text, 1)


def _whole(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number of at least {least}")
    return int(text)


def _chance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 0.5:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a number in (0, 0.5)")
    return value
