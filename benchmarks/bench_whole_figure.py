"""Figure 1 of Li and Liang (2018), all four measures for widths 500 to 8000, beside a plain script that makes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.plain_figure_1 import DIMENSION, HELD_OUT, POINTS, SEEDS, STEPS, WIDTHS, Measured
from benchmarks.plain_figure_1 import figure as plain
from fixtures.li_liang.mixtures import learning
from gen_core.measures import changed_patterns, distance_from
from gen_core.run import Run
from gen_core.training.trainer import train_rows as train

ROUNDS = 5


def batched() -> dict[int, Measured]:
    return {width: _measured(width) for width in WIDTHS}


def _measured(width: int) -> Measured:
    watch = ("weights", "test_classes")
    experiment = learning(width, n=POINTS, d=DIMENSION, n_test=HELD_OUT, steps=STEPS, watch=watch)
    parts = []
    for rows, trained in train([(experiment, seed) for seed in range(SEEDS)], torch.device("cpu")):
        run = Run(experiment, tuple(seed for _, seed in rows), trained)
        path, start, W = run.watched("weights.W"), run.initial("W"), run.weights("W")
        found = {
            "accuracy": (run.watched("test_classes") == run.y_test[:, None]).double().mean(-1),
            "patterns": changed_patterns(path, start, run.X).double(),
            "distance": distance_from(path, start).double(),
            "update": torch.linalg.svdvals(W - start),
            "weights": torch.linalg.svdvals(W),
        }
        parts.append(found)
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


FOUND: dict[str, dict[int, Measured]] = {}


@pytest.mark.parametrize("way", [batched, plain], ids=["ours", "loop"])
def test_figure_1(benchmark: BenchmarkFixture, tally, way: Callable[[], dict[int, Measured]]) -> None:
    benchmark.group = f"Figure 1 of Li and Liang, widths {', '.join(map(str, WIDTHS))}, {SEEDS} seeds, four measures"
    name = "ours" if way is batched else "loop"
    FOUND[name] = benchmark.pedantic(way, rounds=ROUNDS)
    tally.time(benchmark, name)
    for width, measured in FOUND[name].items():
        for quantity, expected in FOUND["ours"][width].items():
            torch.testing.assert_close(measured[quantity], expected, rtol=1e-3, atol=1e-4)
