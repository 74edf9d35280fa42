"""A run's folder with a case of every standing, built in code."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gen_core.records import (
    CaseRecord,
    Curve,
    Figure,
    Hypothesis,
    Look,
    Mark,
    Panel,
    Reported,
    RunRecord,
    Tick,
    write_json,
)

STATEMENT = """Descent from zero finds the minimum-norm interpolant.

Zhang et al., "Theory of Deep Learning III" (2017), section 9.6, Corollary 1:

    Let X be n x d with n < d and rank n. On L(w) = |Xw - y|^2 / 2n, started at w = 0,
    gradient descent and SGD both converge to w+ = X^T (X X^T)^-1 y.

Measured: |w_T - w+| / |w+| for every seed, once the loss has reached rounding level.
"""


def make_case(claim: str, case: str, **changes: Any) -> CaseRecord:
    name = f"claims/test_{claim}.py::test_{claim}"
    base: dict[str, Any] = {
        "nodeid": f"{name}[{case}]",
        "claim": name,
        "case": case,
        "paper": "theory3",
        "citation": "C. Zhang et al., Theory of Deep Learning III (2017), section 9.6, Corollary 1",
        "reference": "C. Zhang et al., Theory of Deep Learning III (2017)",
        "place": "section 9.6, Corollary 1",
        "year": 2017,
        "title": "Descent from zero finds the minimum-norm interpolant.",
        "statement": STATEMENT,
        "measured": "|w - w+| / |w+|",
        "work": "trained",
        "tolerance": "<= 1e-10",
        "statistic": "mean",
        "limits": [1e-10],
        "direction": "at most",
        "repeat": f"pytest '{name}[{case}]' --seeds-from 1700",
        "hypotheses": [
            Hypothesis(name="underdetermined", statement="n < d", checked="n = 20, d = 50", holds=True),
            Hypothesis(name="starts at zero", statement="w_0 = 0", checked="|w_0| = 0", holds=True),
        ],
        "recipes": {"run": {"data": {"kind": "Regression", "n": 20, "d": 50, "noise": 0.1}, "rule": {"kind": "GD"}}},
        "keys": {"run": ["5f0c2a" * 8, "77ab10" * 8]},
        "settings": {"stopped by": "loss 3e-31 at step 4000"},
        "seconds": 4.21,
        "worker": "gw0",
    }
    return CaseRecord(**(base | changes))


def make_figure() -> Figure:
    steps = [float(2**k) for k in range(13)]
    curves = [
        Curve(x=steps, y=[math.exp(-s / (200 + 20 * seed)) for s in steps], style="faint", label="one seed")
        for seed in range(8)
    ]
    curves.append(
        Curve(
            x=steps,
            y=[math.exp(-s / 270) for s in steps],
            low=[0.7 * math.exp(-s / 260) for s in steps],
            high=[1.3 * math.exp(-s / 280) for s in steps],
            label="mean over seeds",
        )
    )
    left = Panel(
        title="Distance",
        xlabel="step",
        ylabel="|w - w+| / |w+|",
        xscale="log",
        yscale="log",
        curves=curves,
        marks=[Mark(at=1e-6, label="tolerance"), Mark(at=500.0, label="loss at rounding level", axis="x")],
    )
    right = Panel(
        title="Loss",
        xlabel="step",
        ylabel="training loss",
        curves=[
            Curve(x=steps, y=[1 / (1 + s) for s in steps], label="gradient descent"),
            Curve(x=steps, y=[1.2 / (1 + s) for s in steps], label="SGD", style="dashed"),
            Curve(x=steps, y=[None, *[1.5 / (1 + s) for s in steps[1:]]], label="paper", style="points"),
        ],
        right=[Tick(at=0.25, label="a quarter"), Tick(at=40.0, label="out of sight")],
        right_label="share of the first",
    )
    return Figure(
        title="Distance to w+ during training",
        panels=[left, right],
        paper="Figure 3: distance 1e-9 at 4000.",
        reported=[Reported(what="distance at 4000", paper="1e-9", here="2e-10")],
    )


def judged(verdict: str, estimate: float, low: float, high: float, seeds: int = 8, **more: Any) -> dict[str, Any]:
    spread = [(k - (seeds - 1) / 2) / seeds for k in range(seeds)]
    return {
        "verdict": verdict,
        "estimate": estimate,
        "low": low,
        "high": high,
        "values": [estimate + s * (high - low) for s in spread],
        "seeds": [1700 + k for k in range(seeds)],
        "headroom": 3.4,
        "seeds_needed": 8,
        "level": 8.3e-5,
        "looks": [Look(seeds=seeds, estimate=estimate, low=low, high=high, verdict=verdict)],
        "trained": seeds,
        **more,
    }


@pytest.fixture
def case() -> Callable[..., CaseRecord]:
    return make_case


@pytest.fixture
def figure() -> Figure:
    return make_figure()


@pytest.fixture
def run() -> RunRecord:
    return RunRecord(
        run="2026-01-02T03-04-05",
        started="2026-01-02T03:04:05+00:00",
        command="pytest claims -n auto",
        arguments=["claims", "-n", "auto"],
        repeat="pytest claims -n auto --seeds-from 1700",
        scale="standard",
        device="cpu",
        seeds_from=1700,
        fresh=False,
        budget=0.01,
        shares=120,
        environment={"python": "3.12.1", "torch": "2.13.0", "threads": "1"},
        seconds=872.0,
        exit_status=1,
        trainings=412,
    )


@pytest.fixture
def cases() -> list[CaseRecord]:
    dropped = [
        Hypothesis(name="underdetermined", statement="n < d", checked="n = 20, d = 50", holds=True),
        Hypothesis(name="starts at zero", statement="w_0 = 0", checked="|w_0| = 7.1", holds=False, dropped=True),
    ]
    drop = {"kind": "control", "drops": "starts at zero", "hypotheses": dropped}
    slope = {
        "title": "The excess risk decays with the number of examples at the rate 1/n.",
        "paper": "theory2b",
        "measured": "exponent of the excess risk",
        "tolerance": "exponent in [-1.2, -0.8]",
        "statistic": "exponent",
        "limits": [-1.2, -0.8],
        "direction": "between",
    }
    share = {
        "title": "Networks of the same architecture fit random labels with probability at least 0.9.",
        "paper": "rethinking",
        "measured": "training accuracy",
        "tolerance": ">= 0.99 in at least 90% of seeds",
        "statistic": "share",
        "limits": [0.9],
        "direction": "at least",
        "share": 0.9,
        "seed_limit": 0.99,
        "seed_direction": "at least",
    }
    return [
        make_case("norm", "gd", figure=make_figure(), **judged("HOLDS", 3.1e-15, 2.2e-15, 4.4e-15)),
        make_case("norm", "sgd", **judged("HOLDS", 4e-15, 4e-15, 4e-15)),
        make_case("norm", "gd-without-zero", **drop, **judged("REFUTED", 20.0, 18.2, 22.1)),
        make_case("rate", "ridge", **slope, **judged("REFUTED", -0.51, -0.58, -0.43, seeds=16)),
        make_case("rate", "lasso", **slope, **judged("INCONCLUSIVE", -0.84, -0.95, -0.73, seeds=64)),
        make_case("rate", "noisefree", **slope, kind="control", drops="noise",
                  **judged("REFUTED", -2.1, -2.3, -1.9)),
        make_case("fit", "alexnet", verdict="NOT RUN", **share,
                  reason="CIFAR-10 is not here; get it with: python -m gen_core.data cifar-10"),
        make_case("fit", "mlp", verdict="ERROR", **share,
                  reason="seed 1703: loss is nan at step 312 (learning rate 0.5); expected a finite loss"),
        make_case("fit", "mlp-true-labels", **share, kind="control", drops="random labels",
                  **judged("HOLDS", 0.97, 0.92, 1.0)),
        make_case("fit", "resnet", **share),
        make_case("width", "wide", **(share | {"title": "Wider networks generalize better."}),
                  not_reproduced="The paper's gap of 0.2 needs 50000 examples; with 2000 the gap is 0.03.",
                  **judged("REFUTED", 0.6, 0.52, 0.68, seeds=32)),
    ]  # fmt: skip


@pytest.fixture
def records(tmp_path: Path, run: RunRecord, cases: list[CaseRecord]) -> Path:
    """The folder of that run, as the plugin of `gen_core` leaves it."""
    folder = tmp_path / "records"
    write_json(folder / "run.json", run)
    write_json(folder / "cases.json", [make_case(_claim(c), c.case, title=c.title, kind=c.kind) for c in cases])
    for place, record in enumerate(c for c in cases if c.verdict):
        write_json(folder / "attempts" / f"{place:04}.json", record)
    return folder


def many_of(cases: list[CaseRecord], count: int) -> list[CaseRecord]:
    """Cases like those that were reached, without a figure, six of a claim."""
    known = [one for one in cases if one.verdict]
    return [
        replace(
            known[k % len(known)],
            nodeid=f"claims/test_many.py::test_{k // 6}[case-{k}]",
            claim=f"claims/test_many.py::test_{k // 6}",
            case=f"case-{k}",
            figure=None,
        )
        for k in range(count)
    ]


def _claim(record: CaseRecord) -> str:
    return record.claim.rpartition("::test_")[2]


@pytest.fixture(autouse=True)
def no_step_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports of tests are no part of the summary of the CI step that they run in."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
