"""Runs outside pytest, in a notebook or at a prompt: trained from a recipe, or those of a claim's case."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import overload

from gen_core.checks import check_choice, check_count
from gen_core.declaration import Case, cases_of
from gen_core.defaults import SCALES, STORE
from gen_core.errors import InvalidClaim, InvalidExperiment, UnknownCase
from gen_core.experiment import Experiment
from gen_core.lab import Lab, Store
from gen_core.recipe import brief
from gen_core.run import Run, Runs, joined
from gen_core.settings import Arms, Setting, Sweep, experiments
from gen_core.training.device import resolve
from gen_core.training.seeding import SEEDS_PER_BASE

SHOWN_EVERY = 0.5
"""Seconds between two states of a progress line."""


@overload
def train(
    experiment: Experiment,
    seeds: int = ...,
    *,
    seeds_from: int = ...,
    device: str = ...,
    store: str | Path | None = ...,
) -> Run: ...
@overload
def train(
    experiment: Arms | Sweep,
    seeds: int = ...,
    *,
    seeds_from: int = ...,
    device: str = ...,
    store: str | Path | None = ...,
) -> Runs: ...
def train(
    experiment: Setting,
    seeds: int = 8,
    *,
    seeds_from: int = 0,
    device: str = "auto",
    store: str | Path | None = None,
) -> Run | Runs:
    """Train an experiment, or the experiments of `Arms` or a `Sweep` on the same seeds, and return the run.

    Seeds and numbers are those of a claim on the same experiment. On a terminal, a line shows the progress.

    Args:
        experiment: what to train; an experiment of no steps is drawn when it is measured.
        seeds: number of seeds, which are trained as one batch.
        seeds_from: base of the seeds, as in `--seeds-from`.
        device: "cpu", "cuda", or "auto" for a GPU if there is one.
        store: folder to keep the trainings in, where a second call finds them; None to keep nothing on disk.

    Raises:
        InvalidExperiment: for what is no setting, or an invalid device or number of seeds.
        Unfinished: if a training diverged or does not fit into memory.
        DataMissing, DataDamaged: if its data cannot be read.
        StoreFailure: if the store cannot be written.
    """
    if store is not None:
        _check_folder("store", store)
    if not isinstance(experiment, Setting):
        raise InvalidExperiment(f"{brief(experiment)} to train; expected an Experiment, Arms or a Sweep")
    with tempfile.TemporaryDirectory() if store is None else nullcontext(store) as folder:
        return joined(experiment, _trained(experiment, seeds, seeds_from, device, Path(folder)))


def load(
    case: str,
    *,
    scale: str = "standard",
    seeds: int | None = None,
    seeds_from: int = 0,
    device: str = "auto",
    store: str | Path = STORE,
    root: str | Path = ".",
) -> Run | Runs:
    """The `run` argument of a claim's case, read from the store or trained if it is not there.

    The claim's file is imported. Data sets are looked up in the folder named by GEN_CORE_DATA, or in the user's cache.

    Args:
        case: its pytest id, "claims/test_a.py::test_a[case]". Without a bracket, the claim's only setting.
        scale: "quick", "standard" or "paper".
        seeds: number of seeds, from the first on; None for those of the claim's first look.
        seeds_from: base of the seeds, as in `--seeds-from`.
        device: "cpu", "cuda", or "auto" for a GPU if there is one; results are stored separately for each.
        store: folder of the stored trainings, relative to the root directory.
        root: the directory that the id is relative to.

    Returns:
        A `Run`, or the `Runs` of arms or a sweep.

    Raises:
        UnknownCase: if there is no such file, test or case; the message names those that exist.
        InvalidClaim: if the file is no Python, or a declaration in it is not well formed.
        InvalidExperiment: for an invalid scale, device, folder or number of seeds.
        Unfinished: if a training diverged or does not fit into memory.
        DataMissing, DataDamaged: if its data cannot be read.
    """
    check_choice("scale", scale, SCALES)
    _check_folder("store", store)
    _check_folder("root", root)
    folder = Path(root).resolve()
    found = _find(case, folder)
    number = found.claim.first_look if seeds is None else seeds
    return found.joined(scale, _trained(found.at(scale), number, seeds_from, device, folder / store))


def _trained(setting: Setting, seeds: int, seeds_from: int, device: str, store: Path) -> list[Run]:
    """The runs of a setting's experiments, from the store or trained now."""
    check_count("seeds", seeds, most=SEEDS_PER_BASE)
    check_count("seeds_from", seeds_from, least=0)
    with _progress_line() as line:
        lab = Lab(Store(store), resolve(device), base=seeds_from, progress=line)
        wanted = list(experiments(setting).values())
        lab.plan(("", one, seeds) for one in wanted)  # experiments of one shape are one batch
        return lab.runs(wanted, seeds)


@dataclass
class _ProgressLine:
    """Shows on the terminal what is being trained; nothing where the stream is none."""

    shown: float = 0.0

    def __call__(self, what: str, share: float) -> None:
        if sys.stderr.isatty() and time.monotonic() - self.shown >= SHOWN_EVERY:
            self.shown = time.monotonic()
            sys.stderr.write(f"\r\x1b[2K{share:.0%} {what}"[:80])
            sys.stderr.flush()


@contextmanager
def _progress_line() -> Iterator[_ProgressLine]:
    """A progress line that is wiped at the end."""
    line = _ProgressLine()
    try:
        yield line
    finally:
        if line.shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


def _check_folder(name: str, value: object) -> None:
    if not isinstance(value, (str, Path)) or not str(value):
        raise InvalidExperiment(f"{name} {brief(value)}; expected the path of a folder")


def _find(nodeid: str, root: Path) -> Case:
    if not isinstance(nodeid, str):
        raise UnknownCase(f"{brief(nodeid)} is not the id of a case; expected text, 'claims/test_a.py::test_a[given]'")
    file, _, test = nodeid.partition("::")
    test, bracket, name = test.partition("[")
    path = root / file
    if not test or path.suffix != ".py":
        raise UnknownCase(f"{nodeid!r} is not the id of a case; expected one like 'claims/test_a.py::test_a[given]'")
    if not path.is_file():
        raise UnknownCase(f"{path}: no such file; expected the file of a claim, from the root directory {root}")
    found: object = _imported(path, root)
    for part in test.split("::"):
        found = getattr(found, part, None)
    cases = cases_of(found)
    if not cases:
        raise UnknownCase(f"{file} has no claim {test!r}; expected a test with @claim")
    settings = [case for case in cases.values() if case.kind == "setting"]
    if not bracket and len(settings) == 1:
        return settings[0]
    wanted = name.removesuffix("]")
    if not bracket or wanted not in cases:
        raise UnknownCase(f"{test} has no case {wanted!r}; expected one of {', '.join(cases)}")
    return cases[wanted]


def _imported(path: Path, root: Path) -> ModuleType:
    """A claim's module, imported with the root directory on Python's path, as pytest does."""
    inside = path.relative_to(root) if path.is_relative_to(root) else Path(path.name)
    name = ".".join(inside.with_suffix("").parts)
    known = sys.modules.get(name)
    if known is not None:
        if Path(getattr(known, "__file__", None) or "").resolve() == path.resolve():
            return known
        name = f"{name} of {root}"  # another project's module of that name stays as it is
        if name in sys.modules:
            return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _first_in_path(str(root)):
            spec.loader.exec_module(module)
    except SyntaxError as error:
        del sys.modules[name]
        raise InvalidClaim(f"{error.filename}:{error.lineno}: {error.msg}; expected a file of Python") from None
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _first_in_path(folder: str) -> Iterator[None]:
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
