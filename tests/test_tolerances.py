"""The tolerances in `claims/` are those that the evidence was made with: one loosened by hand is named with both.

What a claim would judge by is computed without training: the limits of its `expect`, with what they are computed from,
are taken out of the test's source and given to the library's own `expect`, with values that mean nothing.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gen_core import Run, expect
from gen_core.declaration import Case, cases_of
from gen_core.judgement import Judge, Judgement, judging
from gen_core.training.result import TrainingResult
from reports.spreads import Spread, read_spreads

ROOT = Path(__file__).parents[1]
EVIDENCE = ROOT / "claims" / "evidence"
SCALES = ("quick", "standard")
SEEDS = 128
VALUES = np.random.default_rng(0).uniform(0.2, 0.8, size=(20, SEEDS))


class Unresolved(Exception):
    """A limit that is not known before training."""


def claims() -> tuple[ModuleType, ...]:
    return tuple(importlib.import_module(f"claims.{file.stem}") for file in sorted((ROOT / "claims").glob("test_*.py")))


def declared_in(module: ModuleType) -> dict[str, Callable[..., None]]:
    """Node id without the case -> test."""
    file = Path(module.__file__ or "").name
    return {f"claims/{file}::{name}": test for name, test in vars(module).items() if cases_of(test)}


def judged_by(test: Callable[..., None], case: Case, scale: str) -> Judgement:
    """What a case would be judged by.

    Raises:
        Unresolved: if that cannot be known without training.
    """
    untrained = [Run(e, (0,), TrainingResult({}, ())) for e in case.experiments(scale).values()]
    call, expected = _judging_call(test)
    names = _Names(test, {"run": case.joined(scale, untrained)})
    arguments = [value for argument in call.args for value in names.values(argument)]
    named = {keyword.arg: names.value(keyword.value) for keyword in call.keywords if keyword.arg}
    how = {keyword.arg: names.value(keyword.value) for keyword in expected.keywords if keyword.arg}
    method = call.func.attr  # type: ignore[attr-defined]
    values = VALUES[: len(arguments[0])] if method.endswith("_in") else VALUES[0]
    with judging(Judge(seeds=SEEDS)) as judge:
        try:
            getattr(expect(values, "a quantity", **how), method)(*arguments, **named)
        except Exception as error:  # by what the values say, once it is judged
            if not judge.judgements:
                raise Unresolved(f"{method} is not judged ({error})") from error
    return judge.judgements[0]


@functools.cache
def _judging_call(test: Callable[..., None]) -> tuple[ast.Call, ast.Call]:
    """The call of a judge, and that of `expect`, in a test's source."""
    calls = [node for node in ast.walk(_function(test)) if isinstance(node, ast.Call)]
    found = [
        (call, call.func.value)
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Call)
        and isinstance(call.func.value.func, ast.Name)
        and call.func.value.func.id == "expect"
    ]
    if len(found) != 1:
        raise Unresolved(f"{len(found)} calls expect(...).<judge>(...); expected one")
    if any(keyword.arg is None for call in found[0] for keyword in call.keywords):
        raise Unresolved("a judge is called with **; expected its limits by name")
    return found[0]


@functools.cache
def _function(test: Callable[..., None]) -> ast.FunctionDef:
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(test))).body
    assert isinstance(function, ast.FunctionDef)
    return function


class _Names:
    """Values of the names in a test: its globals, its `run`, and what it assigns."""

    def __init__(self, test: Callable[..., None], given: dict[str, Any]) -> None:
        self.known = dict(test.__globals__) | given  # type: ignore[attr-defined]
        self.assigned: dict[str, list[ast.expr | None]] = {}
        plain = {id(n.targets[0]): n.value for n in _function(test).body
                 if isinstance(n, ast.Assign) and len(n.targets) == 1}  # fmt: skip
        for node in ast.walk(_function(test)):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                self.assigned.setdefault(node.id, []).append(plain.get(id(node)))

    def values(self, argument: ast.expr) -> list[Any]:
        """The values of an argument: several of a starred one."""
        return list(self.value(argument.value)) if isinstance(argument, ast.Starred) else [self.value(argument)]

    def value(self, expression: ast.expr) -> Any:
        """The value of an expression, and first of the names in it."""
        for node in ast.walk(expression):
            if isinstance(node, ast.Name) and node.id in self.assigned:
                sources = self.assigned.pop(node.id)
                if len(sources) != 1 or sources[0] is None:
                    raise Unresolved(f"{node.id} is no plain assignment; expected one, for what a limit depends on")
                self.known[node.id] = self.value(sources[0])
        try:
            return eval(compile(ast.Expression(expression), "<limit>", "eval"), self.known)
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise Unresolved(f"{ast.unparse(expression)} is not known without training ({reason})") from error


def stated(one: Judgement | Spread) -> tuple[Any, ...]:
    """What is compared: the judged statistic with its limits."""
    limits = one.limits if isinstance(one, Spread) else [v for v in (one.low_limit, one.high_limit) if v is not None]
    return one.tolerance, one.statistic, one.direction, limits, one.share, one.seed_limit, one.seed_direction


def words(one: Judgement | Spread) -> str:
    return f"{one.tolerance!r} ({one.statistic} {one.direction} {stated(one)[3]})"


def disagreements(modules: tuple[ModuleType, ...], evidence: dict[tuple[str, str], Spread]) -> Iterator[str]:
    """Every case whose tolerance is not that of the evidence, or is not known, each as one line."""
    left = dict(evidence)
    for claim, test in (item for module in modules for item in declared_in(module).items()):
        for case in cases_of(test).values():
            for scale in SCALES:
                nodeid = f"{claim}[{case.name}]"
                found = left.pop((nodeid, scale), None)
                try:
                    now = judged_by(test, case, scale)
                except Unresolved as error:
                    yield f"{nodeid} at {scale}: {error}"
                    continue
                if found is None:
                    yield f"{nodeid} at {scale}: no evidence for {words(now)}; make it with `make evidence`"
                elif stated(now) != stated(found):
                    yield (
                        f"{nodeid} at {scale}: the claim judges by {words(now)}, and the evidence was made with "
                        f"{words(found)}; make it again with `make evidence`, and say why the tolerance is another"
                    )
    yield from (f"{nodeid} at {scale}: has evidence and is no case of a claim" for nodeid, scale in left)


def test_the_tolerances_in_claims_and_evidence_agree():
    assert list(disagreements(claims(), read_spreads(EVIDENCE))) == []


@pytest.fixture
def module() -> ModuleType:
    return importlib.import_module("claims.test_theory_iii_row_span")


@pytest.fixture
def evidence(module: ModuleType) -> dict[tuple[str, str], Spread]:
    """That of one module."""
    return {key: row for key, row in read_spreads(EVIDENCE).items() if key[0].partition("[")[0] in declared_in(module)}


FIRST = ("claims/test_theory_iii_row_span.py::test_iterates_stay_in_the_span_of_the_rows[gd]", "quick")


def test_a_tolerance_that_was_loosened_is_named_with_that_of_the_evidence(module, evidence, monkeypatch):
    monkeypatch.setattr(module, "TOLERANCE", 1e-3)
    found = list(disagreements((module,), evidence))
    assert len(found) == len(evidence) > 0
    assert found[0].startswith(
        f"{FIRST[0]} at quick: the claim judges by '<= 0.001 in every seed' (worst at most [0.001]), and the evidence "
        "was made with '<= 1e-10 in every seed' (worst at most [1e-10]); "
    )


def test_a_case_without_evidence_and_evidence_without_a_case_are_named(module, evidence):
    evidence["claims/test_gone.py::test_gone[given]", "quick"] = evidence.pop(FIRST)
    without, gone = disagreements((module,), evidence)
    assert without.startswith(f"{FIRST[0]} at quick: no evidence for '<= 1e-10 in every seed' (worst at most [1e-10])")
    assert gone == "claims/test_gone.py::test_gone[given] at quick: has evidence and is no case of a claim"


@pytest.mark.parametrize("other", [{"limits": [1.0000001e-10]}, {"statistic": "mean"}, {"tolerance": ""}])
def test_another_limit_of_the_same_words_and_another_statistic_are_named(module, evidence, other):
    evidence[FIRST] = replace(evidence[FIRST], **other)
    (line,) = disagreements((module,), evidence)
    assert words(evidence[FIRST]) in line


CLAIM = """
from tests.toy import TOY, claim, expect

@claim(**TOY)
def test_it(run):
    '''A statement.'''
    BODY
"""


@pytest.mark.parametrize(
    ("body", "tolerance"),
    [
        ("expect(run.w[:, 0], 'w').at_most(2.5)", "<= 2.5"),
        ("limit = 2 * run.experiment.steps; expect(run.w[:, 0], 'w').at_least(limit + 1)", ">= {2 * steps + 1}"),
        ("both = (0, 1); expect(run.w[:, 0], 'w').between(*both)", "in [0, 1]"),
        ("x = [1, 2]; expect(run.w, 'w').decays_in(x, exponent_at_most=-1)", "exponent <= -1"),
        ("expect(run.w[:, 0], 'w').mostly_at_most(3, share=.5)", "<= 3 in at least 50% of seeds"),
        ("limit = float(run.w.max()); expect(run.w, 'w').at_most(limit)", None),
        ("limit = run.train_loss\n    expect(run.w, 'w').at_most(limit)", None),
        ("for limit in (1, 2):\n        pass\n    expect(run.w, 'w').at_most(limit)", None),
        ("limit = 1\n    limit += 1\n    expect(run.w, 'w').at_most(limit)", None),
        ("expect(run.w, 'w').at_most(**{'limit': 1})", None),
        ("expect(run.w[:, 0], 'w').at_most(float('inf'))", None),
        ("judged = expect(run.w, 'w')\n    judged.at_most(1)", None),
    ],
)
def test_limits_are_computed_without_training_or_not_at_all(tmp_path: Path, monkeypatch, body: str, tolerance) -> None:
    (tmp_path / "claimed.py").write_text(CLAIM.replace("BODY", body), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "claimed", raising=False)
    test = importlib.import_module("claimed").test_it
    monkeypatch.delitem(sys.modules, "claimed")
    case = cases_of(test)["given"]
    if tolerance is None:
        with pytest.raises(Unresolved):
            judged_by(test, case, "quick")
        return
    steps = next(iter(case.experiments("quick").values())).steps
    assert judged_by(test, case, "quick").tolerance == tolerance.replace("{2 * steps + 1}", f"{2 * steps + 1}")
