"""Rows that leave the finite numbers, and labels that a model has no output for."""

from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import (
    GD,
    MLP,
    CrossEntropy,
    Every,
    InvalidExperiment,
    LiLiang,
    Logistic,
    LogSumExp,
    Run,
    Unfinished,
)
from gen_core.training.result import concatenate
from gen_core.training.trainer import train_rows as train
from tests.gen_core.training.teacher import LEAST_SQUARES, SEEDS, Teacher


def run(experiment, seeds=SEEDS, beside=()):
    rows = [(experiment, seed) for seed in seeds]
    trained = concatenate([part for _, part in train([*rows, *beside], torch.device("cpu"))])
    return Run(experiment, tuple(seeds), trained.rows(slice(len(rows))))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_row_that_diverges_is_named_with_its_step_and_leaves_the_others_alone(dtype):
    good = replace(LEAST_SQUARES, dtype=dtype)
    bad = replace(good, rule=GD(40.0))
    expected, finished = run(good), run(good, beside=[(bad, 0), (bad, 1)])
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    torch.testing.assert_close(finished.w, expected.w, rtol=tolerance, atol=tolerance)
    finished.require_finite()

    lost = run(bad, beside=[(good, 0)])
    steps = lost.result.arrays["diverged"].tolist()
    assert set(lost.result.stopped_by) == {"diverged"}
    assert steps == lost.result.arrays["step"].tolist()
    assert all(at in good.grid and at > 0 for at in steps)
    with pytest.raises(Unfinished) as caught:
        lost.require_finite()
    shown = ", ".join(f"seed {seed} by step {at}" for seed, at in list(zip(SEEDS, steps, strict=True))[:4])
    assert str(caught.value) == (
        f"training diverged: the loss is not finite for 6 of 6 seeds ({shown} ...); expected a finite loss "
        "(rate 40), or may_diverge=True to measure it"
    )


@dataclass(frozen=True)
class Broken(Teacher):
    """Data with one value that is not finite."""

    where: str = "X"
    value: str = "nan"

    def draw(self, generator):
        data = super().draw(generator)
        vars(data)[self.where].view(-1)[3] = float(self.value)
        return data


@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize("where", ["X", "y"])
def test_data_that_are_not_finite_are_named_in_place_of_the_training(where, value):
    lost = run(replace(LEAST_SQUARES, data=Broken(where=where, value=value)))
    with pytest.raises(Unfinished, match="data of seed 0 are not finite, nor is its loss; expected finite numbers"):
        lost.require_finite()


def test_a_training_that_diverges_for_all_ends_at_once():
    told: list[int] = []
    bad = replace(LEAST_SQUARES, rule=GD(1e30), steps=100_000, checkpoints=Every(100))
    list(train([(bad, 0)], torch.device("cpu"), lambda step, steps: told.append(step)))
    assert told[-1] == 100


def test_a_loss_that_is_not_finite_only_at_the_end_is_found():
    """Weights that float32 holds and whose square it does not: seen by the last evaluation alone."""
    bad = replace(LEAST_SQUARES, rule=GD(1e20), steps=1, watch=(), dtype="float32")
    finished = run(bad, [0])
    assert finished.w.isfinite().all()
    assert finished.result.arrays["diverged"].tolist() == [1]
    with pytest.raises(Unfinished, match=r"1 of 1 seeds \(seed 0 by step 1\); expected a finite loss \(rate 1e\+20\)"):
        finished.require_finite()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"data": Teacher(labels="classes")},
            "labels of torch.int64 for a model of one output; expected floats (-1.0 and 1.0)",
        ),
        (
            {"model": LiLiang(4, 2), "loss": CrossEntropy()},
            "labels of torch.float64 from -1 to 1 for a model of 2 outputs; expected integers from 0 to 1",
        ),
        (
            {"data": Teacher(n=60, labels="classes"), "model": MLP(outputs=2), "loss": CrossEntropy()},
            "labels of torch.int64 from 0 to 2 for a model of 2 outputs; expected integers from 0 to 1",
        ),
    ],
)
def test_labels_that_a_model_has_no_output_for(change, message):
    with pytest.raises(InvalidExperiment) as caught:
        run(
            replace(LEAST_SQUARES, data=Teacher(), **change)
            if "data" not in change
            else replace(LEAST_SQUARES, **change)
        )
    assert str(caught.value) == message


@pytest.mark.parametrize("loss", [Logistic(), LogSumExp()])
def test_labels_that_are_no_signs_are_refused_by_losses_of_signs(loss):
    bad = replace(LEAST_SQUARES, loss=loss, watch=())
    with pytest.raises(InvalidExperiment, match=rf"^labels from .* for {type(loss).__name__}; expected -1.0 and 1.0 "):
        run(bad, [0])
    run(replace(bad, data=Teacher(labels="signs"), steps=50), [0])
