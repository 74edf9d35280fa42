"""The command-line options of a run of claims, and the checks that can be made before collection."""

from __future__ import annotations

import argparse
import importlib
import os
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from gen_core.defaults import LAST_LOOK, LAST_LOOK_AT_SHARE, LOCKS, SCALES, STORE
from gen_core.engines.address import host_and_port
from gen_core.errors import InvalidExperiment

ERROR_BUDGET, REPORT_DIR = 0.01, "report"


@dataclass(frozen=True, kw_only=True)
class Options:
    """The command-line options as typed values; `pytest --help` describes each."""

    scale: str
    device: str
    seeds_from: str
    max_seeds: int | None
    error_budget: float
    budget_over: int | None
    report_dir: str
    history: str | None
    store: str
    store_days: float | None
    keep_measures: bool
    data_dir: str | None
    require_data: bool
    within: float | None
    engine: str | None
    plan: bool
    list_claims: bool
    check_claims: bool
    train_only: bool
    locks: str

    @classmethod
    def of(cls, config: pytest.Config) -> Options:
        """The options of a configuration."""
        values: dict[str, Any] = {field.name: config.getoption(field.name) for field in fields(cls)}
        return cls(**values)

    @property
    def inspects(self) -> bool:
        """Whether claims are only looked at, and nothing is run."""
        return self.plan or self.list_claims or self.check_claims

    @property
    def judges(self) -> bool:
        """Whether claims are judged, and neither only looked at nor only trained for."""
        return not (self.inspects or self.train_only)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, with types and defaults."""
    add = parser.getgroup("gen-core", "claims with controlled error").addoption
    add("--scale", choices=SCALES, default="standard", help="size at which claims run (default: standard)")
    where = "where trainings run (default: auto, a GPU if there is one)"
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help=where)
    base = "base of the seeds (default: 0); 'fresh' takes the time, and prints the command that repeats the run"
    add("--seeds-from", type=_seeds, default="0", metavar="N|fresh", help=base)
    most = f"most seeds before a claim is INCONCLUSIVE (default: {LAST_LOOK}; of shares {LAST_LOOK_AT_SHARE})"
    add("--max-seeds", type=_max_seeds, metavar="N", help=most)
    chance = f"chance of any false verdict per side in the whole run (default: {ERROR_BUDGET})"
    add("--error-budget", type=_chance, default=ERROR_BUDGET, metavar="P", help=chance)
    split = "split the error budget over N cases (default: those collected, selected or not)"
    add("--budget-over", type=_cases, metavar="N", help=split)
    place = f"for records and report (default: {REPORT_DIR} in the root directory)"
    add("--report-dir", metavar="DIR", help=place)
    kept = "file that every run is appended to, to tell what has changed (default: reports/history.sqlite in the root "
    kept += "directory where there is such a folder, else .gen-core/history.sqlite)"
    add("--history", metavar="FILE", help=kept)
    store = f"where trainings are kept, from the root directory (default: {STORE})"
    add("--store", default=STORE, metavar="DIR", help=store)
    unused = "remove trainings that no run has used for N days from the store, at the end (default: keep all)"
    add("--store-days", type=_days, metavar="N", help=unused)
    measures = "believe what measures, hypotheses and figures gave in earlier runs, where no change of code or data is "
    measures += "seen; docs/store.md names changes that are not (default: measure anew)"
    add("--keep-measures", action="store_true", help=measures)
    data = "where data sets are (default: GEN_CORE_DATA, then the user's cache)"
    add("--data-dir", metavar="DIR", help=data)
    required = "a missing data set is an ERROR, not NOT RUN"
    add("--require-data", action="store_true", help=required)
    hours = (
        "leave claims that do not fit into so many hours NOT RUN, by the plan's estimates and earlier records; they "
    )
    hours += "take turns from night to night, by the date of the seeds"
    add("--within", type=_hours, metavar="HOURS", help=hours)
    engine = (
        "train on a Ray cluster: at HOST:PORT, `auto` for one that runs here, by default one of this machine's own "
    )
    engine += "(pip install 'gen-core[ray]')"
    add("--engine", type=_engine, metavar="ray[:ADDRESS]", help=engine)
    plan = "print a table of what would be trained, with estimates of memory and time, and run nothing"
    add("--plan", action="store_true", help=plan)
    form = "check the form of the files of the selected claims, print a line for each defect, and run nothing"
    add("--check-claims", action="store_true", help=form)
    table = "print a table of the selected claims and run nothing"
    add("--list-claims", action="store_true", help=table)
    only = "train what is missing of the first looks and is not being trained by others on the same store, and judge "
    only += "nothing; for as many processes, on as many machines, as there are"
    add("--train-only", action="store_true", help=only)
    kinds = "locks of the store: the system's; leases, which machines can share; or (auto, the default) leases on file "
    kinds += "systems such as NFS and Lustre. A store that was used with leases is always used with them"
    add("--locks", choices=LOCKS, default=LOCKS[0], help=kinds)


def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run without workers where only the collection is inspected.

    Raises:
        UsageError: for workers that are to train only.
    """
    options = Options.of(config)
    if options.train_only and options.engine is not None:
        raise pytest.UsageError("--train-only --engine: each trains all that is missing; expected one of them")
    if options.train_only and options.within is not None:
        raise pytest.UsageError("--train-only --within: which claims fit changes as it trains; expected one of them")
    if options.train_only and config.getoption("numprocesses", None):
        raise pytest.UsageError("--train-only -n: it trains in one process; expected several of them to be started")
    if options.inspects:
        config.option.numprocesses, config.option.dist, config.option.tx = None, "no", []


def pytest_configure(config: pytest.Config) -> None:
    """Place the default report, and reject folders and devices that are not available, before workers start.

    Raises:
        UsageError: naming the folder or the device, and the option.
    """
    if config.option.report_dir is None:
        config.option.report_dir = str(default_report(config))
    chosen, here = Options.of(config), config.invocation_params.dir
    if chosen.data_dir is not None:
        _look_for_data_in(config, here / chosen.data_dir)
    if on_worker(config):
        return
    if Path(chosen.report_dir) != default_report(config):
        writable(here / chosen.report_dir, "--report-dir")
    store = config.rootpath / chosen.store
    if chosen.store != STORE and not any(store.glob("??/*.json")):  # one that has results may suffice as it is
        writable(store, "--store")
    if chosen.device == "cuda":
        try:
            importlib.import_module("gen_core.training.device").resolve("cuda")  # torch, not loaded where not asked for
        except InvalidExperiment as error:
            raise pytest.UsageError(str(error)) from None


def default_report(config: pytest.Config) -> Path:
    """The report folder without `--report-dir`: at the root directory, wherever pytest is started.

    Without a configuration file, pytest takes paths that are values of options for tests when it looks for the root:
    then it is the folder that the command and the tests have in common.
    """
    root, here = config.rootpath, config.invocation_params.dir
    if config.inipath is None and config.option.rootdir is None:
        places = [(here / argument.partition("::")[0]).resolve() for argument in config.args]
        root = Path(os.path.commonpath([here, *(path.parent if path.is_file() else path for path in places)]))
    return root / REPORT_DIR


def on_worker(config: pytest.Config) -> bool:
    """Whether this process is an xdist worker."""
    return hasattr(config, "workerinput")


def writable(folder: Path, option: str) -> None:
    """Check that a folder can be written or created, without creating it: other processes may be doing so now.

    Raises:
        UsageError: naming the folder and the option to choose another one.
    """
    try:
        with tempfile.TemporaryFile(dir=next(path for path in (folder, *folder.parents) if path.exists())):
            return
    except OSError as error:
        raise pytest.UsageError(
            f"{option} {folder} cannot be written ({error.strerror}); expected a writable folder"
        ) from None


def _look_for_data_in(config: pytest.Config, folder: Path) -> None:
    if not folder.is_dir():
        raise pytest.UsageError(f"--data-dir {folder} is not there; expected a folder with data sets")
    patch = pytest.MonkeyPatch()
    patch.setenv("GEN_CORE_DATA", str(folder.resolve()))
    config.add_cleanup(patch.undo)


def _seeds(text: str) -> str:
    if text != "fresh" and not (text.isdecimal() and int(text) < 2**53):
        raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number from 0 to 2^53, or 'fresh'")
    return text


def _max_seeds(text: str) -> int:
    if not text.isdecimal() or not 2 <= int(text) <= LAST_LOOK_AT_SHARE:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number from 2 to {LAST_LOOK_AT_SHARE}")
    return int(text)


def _cases(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number of at least 1")
    return int(text)


def _engine(text: str) -> str:
    name, _, address = text.partition(":")
    if text not in ("ray", "ray:auto") and (name != "ray" or not host_and_port(address)):
        raise argparse.ArgumentTypeError(f"{text!r}; expected 'ray', 'ray:auto' or 'ray:HOST:PORT'")
    return text


def _days(text: str) -> float:
    return _number(text, 1e6, "a number of days above 0")


def _hours(text: str) -> float:
    return _number(text, 1e6, "a number of hours above 0")


def _chance(text: str) -> float:
    return _number(text, 0.5, "a number in (0, 0.5)")


def _number(text: str, below: float, expected: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < below:
        raise argparse.ArgumentTypeError(f"{text!r}; expected {expected}")
    return value
