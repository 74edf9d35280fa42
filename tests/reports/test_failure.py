"""Failures explained: what was first, the nearest setting that passes, Python that loads the run."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from gen_core.records import CaseRecord, Hypothesis, Look
from reports.failure import Difference, first_failures, loading, nearest
from reports.load import load_run

TWO = """
@assumption
def few(experiment, data):
    "Labels carry little noise."
    return experiment.data.noise < 10, f"noise {experiment.data.noise:g}"

@claim(**{**TOY, "given": {"small": clean, "large": replace(clean, data=Points(noise=9.0), rule=GD(rate=0.2))},
          "assuming": (few,), "without": {few: {"points": noisy}}})
def test_small(run):
    expect(loss(run), "loss").at_most(0.5)
"""


def test_the_first_look_and_the_first_seed_are_named(cases) -> None:
    ridge = next(c for c in cases if c.case == "ridge")
    ridge.looks.insert(0, Look(seeds=8, estimate=-0.9, low=-1.0, high=-0.7, verdict="INCONCLUSIVE"))
    ridge.values[0] = -0.9
    look, seed = first_failures(ridge)
    assert look == "The first look that did not come to HOLDS was at 8 seeds: INCONCLUSIVE, -0.9 in [-1, -0.7]."
    assert seed.startswith("The first seed outside the tolerance exponent in [-1.2, -0.8] is 1701, with -0.570937")
    assert seed.endswith("15 of 16 seeds are outside it.")


def test_the_hypothesis_that_failed_is_named(case) -> None:
    broken = case("a", "b", verdict="ERROR")
    broken.hypotheses[1].holds, broken.hypotheses[1].checked = False, "|w_0| = 3"
    assert first_failures(broken) == ["Hypothesis “starts at zero” does not hold: |w_0| = 3."]
    kept = case("a", "b", kind="control", verdict="ERROR")
    kept.hypotheses = [Hypothesis(name="zero", statement="w_0 = 0", checked="|w_0| = 0", holds=True, dropped=True)]
    assert first_failures(kept) == ["Hypothesis “zero” is to be dropped here and still holds: |w_0| = 0."]


def test_a_record_without_looks_tells_nothing(case) -> None:
    assert first_failures(case("a", "b", verdict="ERROR")) == []


def test_the_nearest_passing_setting_differs_in_the_fewest_fields(case) -> None:
    def of(name: str, verdict: str, n: int = 10, steps: tuple[int, ...] = (1, 2), **more: Any) -> CaseRecord:
        recipe = {"data": {"n": n, "noise": 0.1}, "steps": list(steps)}
        return case("a", name, verdict=verdict, recipes={"run": recipe}, **more)

    failed = of("failed", "REFUTED")
    far, near = of("far", "HOLDS", n=20, steps=(3,)), of("near", "HOLDS", n=30)
    same, control = of("same", "REFUTED"), of("control", "REFUTED", kind="control", n=40)
    found = nearest(failed, [failed, far, near, same, control])
    assert found is not None
    assert (found.case.case, found.differences) == ("near", [Difference("run.data.n", "10", "30")])
    held = nearest(of("held", "HOLDS", kind="control"), [far, near, same, control])
    assert held is not None
    assert held.case.case == "control"
    assert nearest(failed, [failed, same, control]) is None


def test_fields_that_one_recipe_lacks_are_differences(case) -> None:
    here = case("a", "here", verdict="REFUTED", recipes={"run": {"arms": [{"rate": 1}, {"rate": 2}], "stop": None}})
    there = case("a", "there", verdict="HOLDS", recipes={"run": {"arms": [{"rate": 1}], "stop": {"at": 3}}})
    found = nearest(here, [there])
    assert found is not None
    assert found.differences == [
        Difference("run.arms.1.rate", "2", "–"),
        Difference("run.stop", "None", "–"),
        Difference("run.stop.at", "–", "3"),
    ]


def test_the_code_on_a_page_loads_the_run_from_the_store(suite) -> None:
    suite.claims(TWO)
    assert suite.run("--seeds-from", "7").ret == 1
    loaded = load_run(suite.folder)
    assert {c.case: c.verdict for c in loaded.cases} == {
        "small": "HOLDS",
        "large": "REFUTED",
        "without-few-points": "REFUTED",
    }
    for case in loaded.cases:
        code = loading(case, loaded.run)
        assert len(code.splitlines()) == 4
        untrained = "import gen_core.lab.work; gen_core.lab.work.train = None"  # nothing can be trained
        told = "import json; print(json.dumps([run.seeds, run.train_loss.tolist()]))"
        command = [sys.executable, "-c", "\n".join([untrained, code, told])]
        done = subprocess.run(command, cwd=suite.pytester.path, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        assert json.loads(done.stdout) == [case.seeds, case.values]


@pytest.mark.parametrize("claim", ["", "notes.txt::test_a", "a.py", "a.py::"])
def test_an_id_that_names_no_test_gives_no_code(case, run, claim: str) -> None:
    assert loading(replace(case("a", "b"), claim=claim), run) == ""


def test_hostile_ids_stay_inside_their_strings(case, run) -> None:
    text = "'); import os; ('\n\"\\"
    run.scale = run.device = run.store = text
    code = loading(replace(case("a", text), claim="x'y/test_a.py::test_a"), run)
    first, call = ast.parse(code).body
    assert ast.unparse(first) == "import gen_core"
    assert isinstance(call, ast.Assign)
    assert isinstance(call.value, ast.Call)
    assert ast.literal_eval(call.value.args[0]) == f"x'y/test_a.py::test_a[{text}]"
    assert {k.arg: ast.literal_eval(k.value) for k in call.value.keywords} == {
        **{"scale": text, "device": text, "store": text},
        "seeds_from": 1700,
    }
