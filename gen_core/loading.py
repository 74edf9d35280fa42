"""Loading the run of a claim's case outside pytest, in a notebook or at a prompt."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from gen_core.checks import check_choice, check_count
from gen_core.declaration import Case, cases_of
from gen_core.defaults import SCALES, STORE
from gen_core.errors import UnknownCase
from gen_core.lab import Lab, Store
from gen_core.run import Run, Runs
from gen_core.training.device import resolve


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
        InvalidExperiment: for an invalid scale, device or number of seeds.
        Unfinished: if a training diverged or does not fit into memory.
        DataMissing, DataDamaged: if its data cannot be read.
    """
    check_choice("scale", scale, SCALES)
    if seeds is not None:
        check_count("seeds", seeds)
    folder = Path(root).resolve()
    found = _find(case, folder)
    experiments = list(found.experiments(scale).values())
    lab = Lab(Store(folder / store), resolve(device), base=seeds_from)
    return found.joined(scale, lab.runs(experiments, found.claim.first_look if seeds is None else seeds))


def _find(nodeid: str, root: Path) -> Case:
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
