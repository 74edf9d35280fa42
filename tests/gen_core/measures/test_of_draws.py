"""Numbers of draws: one for each seed, of that seed alone, and computed once."""

from __future__ import annotations

import torch

from gen_core import Experiment, TwoLayer
from gen_core.data.designs import Design
from gen_core.measures.of_draws import of_each_draw
from gen_core.run import Run
from gen_core.training.result import TrainingResult

asked: list[tuple[tuple[int, ...], float]] = []


def product(run: Run, factor: float) -> float:
    asked.append((run.seeds, factor))
    return factor * float(run.X[0, 0, 0] * run.initial("W")[0, 0, 0])


def test_each_seed_has_the_number_of_its_own_draw_and_is_asked_once():
    experiment = Experiment(data=Design(n=7, d=5), model=TwoLayer(4), dtype="float64")
    run = Run(experiment, (3, 5), TrainingResult({}, ()))
    asked.clear()
    found = of_each_draw(product, run, 2.0)
    assert found.dtype == torch.float64
    assert found.tolist() == (2 * run.X[:, 0, 0] * run.initial("W")[:, 0, 0]).tolist()
    assert torch.equal(of_each_draw(product, run, 2.0), found)
    assert asked == [((3,), 2.0), ((5,), 2.0)]
    assert torch.equal(of_each_draw(product, run, 4.0), 2 * found)
