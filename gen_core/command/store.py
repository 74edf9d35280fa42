"""List the stored trainings, and remove those that no present claim needs, or that are old."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from gen_core.declaration import Case
from gen_core.defaults import SCALES, STORE
from gen_core.errors import GenCoreError
from gen_core.experiment import Experiment
from gen_core.lab import Block, Entry, Store
from gen_core.measuring.folder import Folder, remove_values
from gen_core.plugin.session import case_of
from gen_core.recipe import canonical
from gen_core.records import visible
from gen_core.training.device import fix_numerics

DAY = 24 * 3600.0
Needed = dict[str, set[str]]
"""Key of an entry -> the ids of the cases that need it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `gen-core store`."""
    add = parser.add_argument
    add("paths", nargs="*", help="all present claims (default: what pytest collects by itself)")
    add("--store", default=STORE, metavar="DIR", help=f"from the root directory of the claims (default: {STORE})")
    add("--prune", action="store_true", help="remove what no present claim needs with the present code, at any scale")
    add("--older-than", type=_days, metavar="DAYS", help="remove what no run has used for so long, needed or not")
    add("--dry-run", action="store_true", help="list what --prune and --older-than would remove, and remove nothing")


def execute(arguments: argparse.Namespace) -> int:
    """List the store, or remove from it; 1 if the claims that would say what is needed cannot be collected.

    2 if the store is named and not there; the default one may not have been made yet.
    """
    removing = arguments.prune or arguments.older_than is not None
    if arguments.dry_run and not removing:
        print("gen-core: --dry-run alone; expected --prune or --older-than with it", file=sys.stderr)
        return 2
    claims = _collect(arguments.paths)
    if not (claims.root / arguments.store).is_dir() and arguments.store != STORE:
        print(
            f"gen-core: --store {claims.root / arguments.store}: no such folder; expected one of stored trainings",
            file=sys.stderr,
        )
        return 2
    store = Store(claims.root / arguments.store)
    entries = store.entries()
    if claims.problem:
        outcome = "nothing is pruned" if arguments.prune else "what they need is not known"
        print(f"gen-core: claims cannot be collected ({visible(claims.problem)}); {outcome}", file=sys.stderr)
        if arguments.prune:
            return 1
    needed = None if claims.problem else _needed(entries, claims.cases)
    print(f"store: {store.root}")
    if not removing:
        _print_table(entries, needed)
        if measured := Folder(store.root).values():
            print(f"measured of them: {len(measured)} values, {_mib(sum(value.size for value in measured))} MiB")
        return 0
    before = time.time() - (arguments.older_than or 0) * DAY
    going = [
        entry
        for entry in entries
        if (arguments.prune and needed is not None and not needed[entry.key])
        or (arguments.older_than is not None and entry.used < before)
    ]
    _print_table(going, needed)
    if not arguments.dry_run:
        removed, size = store.remove(entry.key for entry in going)
        gone = {entry.key for entry in going if not store.has(entry.key)}
        old = before if arguments.older_than is not None else 0.0
        # What hypotheses said of draws names no training; it is soon asked again.
        remove_values(
            v for v in Folder(store.root).values() if v.trainings & gone or (gone and not v.trainings) or v.used < old
        )
        held = f"; {len(going) - removed} are in use, and stay" if removed < len(going) else ""
        print(f"removed: {removed} results, {_mib(size)} MiB{held}")
    return 0


@dataclass
class _Claims:
    """A pytest plugin that keeps the claims that are collected, selected or not; `problem` is why there are none."""

    root: Path = field(default_factory=Path.cwd)
    cases: dict[str, Case] = field(default_factory=dict)
    problem: str = ""

    def pytest_configure(self, config: pytest.Config) -> None:
        self.root = config.rootpath

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.cases = {item.nodeid: case for item in items if (case := case_of(item)) is not None}


def _collect(paths: Sequence[str]) -> _Claims:
    """The claims that pytest finds; what it prints is not shown."""
    claims, printed = _Claims(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        status = pytest.main(["--collect-only", "-q", "-n", "0", *paths], plugins=[claims])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        lines = printed.getvalue().splitlines()
        errors = [line for line in lines if re.match(r"ERROR(?!: usage)|E  |.*: error: ", line)]
        claims.problem = " ".join((errors or lines[-1:] or [f"exit status {status}"])[0].split())
    elif not claims.cases:
        claims.problem = "there are none"
    return claims


def _needed(entries: Iterable[Entry], cases: dict[str, Case]) -> Needed:
    """The cases whose recipes, at any scale, have an entry's key with the entry's seeds and device now.

    An entry whose data cannot be read counts as needed, since its key is not known.
    """
    fix_numerics()  # as in a run, whose keys have the number of threads
    wanted: dict[str, dict[str, tuple[Experiment, set[str]]]] = {}
    for nodeid, case in cases.items():
        for one in (one for scale in SCALES for one in _within(tuple(case.experiments(scale).values()))):
            alike = wanted.setdefault(_form(canonical(one)), {})
            alike.setdefault(one.key, (one, set()))[1].add(nodeid)
    found: Needed = {}
    for entry in entries:
        found[entry.key] = set()
        for experiment, nodeids in wanted.get(_form(entry.about.get("recipe")), {}).values():
            with contextlib.suppress(GenCoreError):
                block = Block(experiment, tuple(entry.about["seeds"]), entry.about["device"])
                if block.key != entry.key:
                    continue
            found[entry.key] |= nodeids
    return found


def _form(recipe: Any) -> str:
    return json.dumps(recipe, sort_keys=True)


def _within(value: Any) -> Iterator[Experiment]:
    """The experiments in a recipe: itself, those that it follows, those that its data are made from."""
    if isinstance(value, Experiment):
        yield value
    parts = value if isinstance(value, tuple) else ()
    if is_dataclass(value) and not isinstance(value, type):
        parts = tuple(getattr(value, f.name) for f in fields(value))
    for part in parts:
        yield from _within(part)


def _print_table(entries: Sequence[Entry], needed: Needed | None) -> None:
    """One line per label of an experiment, the largest first, and the sum of all."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(_label(entry.about), []).append(entry)
    rows = [("EXPERIMENT", "RESULTS", "SEEDS", "MiB", "LAST USED", "NEEDED BY")]
    for label, group in sorted(groups.items(), key=lambda named: -sum(entry.size for entry in named[1])):
        seeds = sum(len(entry.about.get("seeds", ())) for entry in group)
        days = (time.time() - max(entry.used for entry in group)) / DAY
        used = "today" if days < 1 else f"{days:.0f} days ago"
        size = _mib(sum(entry.size for entry in group))
        rows.append((label, str(len(group)), str(seeds), size, used, _needed_by(group, needed)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows if entries else ():
        print(visible("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()))
    unneeded = ""
    if needed is not None:
        spare = [entry.size for entry in entries if not needed[entry.key]]
        unneeded = f"; needed by none: {len(spare)} results, {_mib(sum(spare))} MiB"
    print(f"in all: {len(entries)} results, {_mib(sum(entry.size for entry in entries))} MiB{unneeded}")


def _needed_by(group: Sequence[Entry], needed: Needed | None) -> str:
    if needed is None:
        return "?"
    cases = set().union(*(needed[entry.key] for entry in group))
    spare = sum(not needed[entry.key] for entry in group)
    if not cases:
        return "none"
    return f"{len(cases)} case{'s' * (len(cases) > 1)}" + (f", {spare} results by none" if spare else "")


def _label(about: dict[str, Any]) -> str:
    """The label of an entry's experiment, as `Experiment.label`, from its canonical form."""
    recipe = about.get("recipe")
    if not isinstance(recipe, dict):
        return "(damaged)"
    parts = [recipe.get(name) for name in ("model", "data", "rule")]
    model, data, rule = (part.get("recipe", "?") if isinstance(part, dict) else "" for part in parts)
    return f"{model} on {data}, {rule}"


def _mib(size: float) -> str:
    return f"{size / 2**20:.1f}"


def _days(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a number of days, at least 0")
    return value
