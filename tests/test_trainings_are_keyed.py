"""All code of ours that a training runs is in the key of its result: every quick training is traced, call by call."""

from __future__ import annotations

import functools
import importlib
import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gen_core import DataMissing, Experiment
from gen_core.code.fingerprint import reached
from gen_core.code.source import Module, read
from gen_core.lab.plan import training_modules
from gen_core.training import draws
from gen_core.training.states import files_of
from gen_core.training.trainer import train_rows as train

ROOT = Path(__file__).parents[1]
CLAIMS = sorted((ROOT / "claims").glob("test_*.py"))
OURS = tuple(str(ROOT / folder) + "/" for folder in ("gen_core", "fixtures", "claims"))
STEPS = 3
KEYS = tuple(path.name for path in (ROOT / "gen_core" / "code").glob("*.py") if path.name != "tables.py")
"""What makes keys, and no results."""


def experiments(file: Path) -> dict[str, Experiment]:
    """Key -> experiment of a file's claims at the quick scale, those of one code once, with their first steps alone."""
    test = importlib.import_module(f"claims.{file.stem}")
    found: dict[tuple[object, ...], Experiment] = {}
    for function in vars(test).values():
        for mark in getattr(function, "pytestmark", []):
            if mark.args[:1] == ("run",):
                for parameter in mark.args[1]:
                    for e in parameter.values[0].experiments("quick").values():
                        found.setdefault((e.batch_key(), e.after and e.after.batch_key(), type(e.data)), e)
    return {e.key: e for e in found.values()}


def shortened(experiment: Experiment) -> Experiment:
    after = experiment.after and shortened(experiment.after)
    return replace(experiment, steps=min(experiment.steps, STEPS), after=after)


def called(experiment: Experiment) -> set[types.CodeType]:
    """The code of ours that runs where a seed is drawn and trained."""
    seen: set[types.CodeType] = set()

    def profile(frame: types.FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(OURS):
            seen.add(frame.f_code)

    draws._cache.kept.clear()
    sys.setprofile(profile)
    try:
        if experiment.steps:
            list(train([(experiment, 0)], torch.device("cpu")))
        else:
            draws.sample_data(experiment, 0)
            if experiment.model:
                draws.initial_parameters(experiment, 0)
    finally:
        sys.setprofile(None)
    return seen


@functools.cache
def source(file: str) -> Module:
    path = Path(file)
    return read(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path)


def unkeyed(experiment: Experiment) -> set[str]:
    keyed = reached(experiment, *training_modules()).texts
    missing = set()
    for code in called(shortened(experiment)):
        module = source(code.co_filename)
        names = [
            name
            for name, statements in module.bound.items()
            for s in statements
            if min([s.lineno, *(d.lineno for d in getattr(s, "decorator_list", []))]) <= code.co_firstlineno
            and code.co_firstlineno <= (s.end_lineno or s.lineno)
        ]
        known = any(node[:2] == (module.name, name) for name in names for node in keyed)
        if not known and Path(code.co_filename).name not in KEYS:
            missing.add(f"{module.name}.{'/'.join(names) or code.co_name} of {experiment.label()}")
    return missing


@pytest.mark.parametrize("file", CLAIMS, ids=lambda file: file.stem)
def test_what_a_training_runs_is_in_its_key(file: Path):
    missing, traced = set(), 0
    for experiment in experiments(file).values():
        try:
            files_of(experiment)
        except DataMissing:
            continue
        missing |= unkeyed(experiment)
        traced += 1
    if not traced:
        pytest.skip("the data sets of these claims are not there")
    assert missing == set()


def test_code_that_is_not_keyed_is_found(monkeypatch):
    """A function that is put into a module from outside, which reading cannot see."""
    from claims import test_hu_first_layer
    from gen_core.measures import coupling
    from gen_core.training import batch

    here = experiments(Path(test_hu_first_layer.__file__))
    trained = next(e for e in here.values() if e.steps)
    plain = batch.generator
    monkeypatch.setattr(batch, "generator", lambda *args: plain(*args))
    assert unkeyed(trained) == set()  # a function of this file is none of ours
    monkeypatch.setattr(
        batch, "initial_parameters", lambda e, seed: coupling.relative_distance and plain_start(e, seed, coupling)
    )
    assert any("gen_core.measures.coupling" in line for line in unkeyed(trained))


def plain_start(experiment: Experiment, seed: int, coupling: types.ModuleType) -> dict[str, torch.Tensor]:
    coupling._on(torch.ones(1, 2), torch.ones(1, 2))
    return draws.initial_parameters(experiment, seed)
