"""Plant faults in copies of the tree, one at a time, and see that the claims that must turn red do (`make mutants`).

To add a fault, add a `Fault` to `FAULTS` in one of the files of `tests/mutants/faults/`, or a file with such a tuple
there: a name in a few words; the file; a text that occurs in it exactly once; the text in its place; and the node ids
of the claims that must turn red, as few and as cheap as suffice. Tests of the suite may be named too. For example

    Fault(
        "a linear model that starts at one",
        "gen_core/models/two_layer.py",
        "self.init_std, generator).to(dtype)}",
        "self.init_std, generator).to(dtype) + 1}",
        red=("claims/test_theory_iii_row_span.py::test_iterates_stay_in_the_span_of_the_rows[gd]",),
    ),

Then run `make mutants ARGS="-k 'words of its name'"`.

Every fault is planted in a copy of its own, whose store begins with what the unpatched tree has trained. The claims run
at the quick scale, each at the level that it has in a whole run. Red are REFUTED, ERROR, a control that holds, and a
claim declared as not reproduced that holds. INCONCLUSIVE is not.

The exit status is 0 if every fault turns all of its claims red, 1 if one passes, does not apply, or names claims that
are not green without it.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gen_core.declaration import cases_of
from tests.mutants import faults
from tests.mutants.planting import ROOT, DoesNotApply, Fault, Outcome, Settings, copy_tree, link_store, outcomes


def all_faults() -> dict[Fault, str]:
    """Every fault, and the name of its file."""
    names = [module.name for module in pkgutil.iter_modules(faults.__path__)]
    return {f: name for name in names for f in importlib.import_module(f"{faults.__name__}.{name}").FAULTS}


def number_of_cases() -> int:
    """Cases of all claims, which the error budget of a whole run is split over."""
    modules = [importlib.import_module(f"claims.{file.stem}") for file in sorted((ROOT / "claims").glob("test_*.py"))]
    return sum(len(cases_of(test)) for module in modules for test in vars(module).values())


def faulty(folder: Path, base: Path, fault: Fault, settings: Settings) -> dict[str, Outcome]:
    """What becomes of a fault's nodes once it is planted."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        tree = Path(name)
        copy_tree(tree)
        try:
            fault.plant(tree)
        except DoesNotApply as error:
            return {node: Outcome("does not apply", str(error)) for node in fault.red}
        link_store(base / "store", tree)
        return outcomes(tree, fault.red, settings)


def verdict(found: dict[str, Outcome]) -> str:
    """One word on a fault: "red", "PASSED", "not run", or what else prevents it from being red."""
    states = [outcome.state for outcome in found.values()]
    if odd := [state for state in states if state not in ("red", "green", "not run")]:
        return odd[0].upper()
    return "PASSED" if "green" in states else "not run" if "not run" in states else "red"


def lines(fault: Fault, found: dict[str, Outcome]) -> Iterator[str]:
    """The rows of the table on one fault."""
    yield f"{verdict(found):<14} {fault.name}  ({fault.file})"
    for node, outcome in found.items():
        yield f"{'':<15}{node.partition('::')[2] or node}"
        yield f"{'':<15}  {outcome.state}: {outcome.how}"


def run(chosen: Sequence[Fault], settings: Settings, workers: int) -> bool:
    """Plant the faults and print the table; whether each is as it must be."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder, began = Path(name), time.monotonic()
        base = folder / "unpatched"
        copy_tree(base)
        nodes = list(dict.fromkeys(node for fault in chosen for node in fault.red))
        print(f"{len(nodes)} claims without a fault ...", file=sys.stderr, flush=True)
        clean = outcomes(base, nodes, settings)
        wrong = {node: outcome for node, outcome in clean.items() if outcome.state not in ("green", "not run")}
        for node, outcome in wrong.items():
            print(f"without a fault {node} is {outcome.state}: {outcome.how}; expected green")
        ready = [fault for fault in chosen if not wrong.keys() & set(fault.red)]

        def planted(fault: Fault) -> dict[str, Outcome]:
            found = faulty(folder, base, fault, settings)
            passed = time.monotonic() - began
            print(f"{passed:5.0f} s  {verdict(found):<14} {fault.name}", file=sys.stderr, flush=True)
            return found

        with ThreadPoolExecutor(workers) as pool:
            table = list(zip(ready, pool.map(planted, ready), strict=True))
    for fault, found in table:
        print(*lines(fault, found), sep="\n")
    counts = {word: sum(verdict(found) == word for _, found in table) for word in ("red", "not run")}
    passed = len(chosen) - sum(counts.values())
    print(f"{len(chosen)} faults: {counts['red']} red, {counts['not run']} not run, {passed} passed or not planted")
    return not passed


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description="plant faults, and see claims turn red"
    )
    parser.add_argument("-k", metavar="WORDS", default="", help="only faults with these words in name, file or area")
    parser.add_argument("--short", action="store_true", help="only the short list, which CI runs")
    parser.add_argument("--list", action="store_true", help="print the faults and plant none")
    parser.add_argument("--seeds-from", metavar="N", default="0", help="base of the claims' seeds (default: 0)")
    parser.add_argument(
        "-n", type=int, metavar="N", default=os.cpu_count() or 1, help="faults at a time (default: one per processor)"
    )
    options = parser.parse_args(arguments)
    if options.n < 1:
        parser.error(f"-n {options.n}: expected 1 or more")
    chosen = [
        fault
        for fault, area in all_faults().items()
        if (fault.short or not options.short)
        and all(word in f"{fault.name} {fault.file} {area}" for word in options.k.split())
    ]
    if not chosen:
        parser.error(f"no fault is chosen by -k {options.k!r}; --list shows them")
    if options.list:
        for fault in chosen:
            print(f"{'short ' if fault.short else '':<6}{fault.name}  ({fault.file}; {', '.join(fault.red)})")
        return 0
    return 0 if run(chosen, Settings(options.seeds_from, number_of_cases()), options.n) else 1


if __name__ == "__main__":
    sys.exit(main())
