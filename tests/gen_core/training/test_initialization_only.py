"""Experiments that train nothing: what is measured at initialization, and what is computed of the data alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gen_core import GD, Every, Experiment, InvalidExperiment, Square, Stop, TwoLayer
from gen_core.data.gaussian import Gaussian
from gen_core.lab import Lab, Store

START = Experiment(data=Gaussian(n=12, d=6), model=TwoLayer(8))
DATA = Experiment(data=Gaussian(n=12, d=6), dtype="float64")


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(Store(tmp_path / "store"), torch.device("cpu"), finished=lambda event: pytest.fail(f"trained {event}"))


def test_what_is_drawn_has_its_start_for_weights(lab):
    run = lab.run(START, 3)

    assert run.checkpoints == (0,)
    assert torch.equal(run.weights("W"), run.initial("W"))
    assert run.outputs(run.X).shape == (3, 12)
    assert float(run.outputs(run.X).abs().max()) < 1e-6  # a symmetric start is the zero function
    assert run.endings == ""


def test_what_is_computed_has_its_data(lab):
    run = lab.run(DATA, 3)

    assert run.X.shape == (3, 12, 6)
    assert run.X.dtype == torch.float64
    with pytest.raises(InvalidExperiment, match=r"^Gaussian has no model; expected one, for its parameters$"):
        run.weights("W")


def test_nothing_is_stored_or_planned_for_training(lab):
    lab.plan([("a", START, 8), ("b", START, 8), ("c", DATA, 8)])
    lab.runs([START, DATA], 8)

    assert lab.planned.groups == []
    assert [demand.cases for demand in lab.planned.demands.values()] == [["a", "b"], ["c"]]
    assert lab.keys(START, 8) == lab.keys(DATA, 8) == []
    assert not lab.store.root.exists()


def test_labels_say_what_there_is():
    trained = replace(START, rule=GD(0.1), loss=Square(), steps=2)
    assert [e.label() for e in (trained, START, DATA)] == [
        "TwoLayer on Gaussian, GD",
        "TwoLayer on Gaussian",
        "Gaussian",
    ]
    assert len({e.batch_key() for e in (trained, START, DATA)}) == 3


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (lambda run: run.train_loss, "quantity 'train_loss' of a run that trains nothing; expected steps"),
        (lambda run: run.watched("train_loss"), "watched quantity 'train_loss' of a run that trains nothing; expected"),
        (lambda run: run.weights("v"), "parameter 'v' is not trained; use run.initial('v') or run.params()"),
        (lambda run: run.experiment.parts, "TwoLayer on Gaussian trains nothing; expected steps, with a model"),
    ],
)
def test_what_only_a_training_has_is_named(lab, of, message):
    with pytest.raises(InvalidExperiment) as caught:
        of(lab.run(START, 2))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": GD(0.1)}, "rule GD(rate=0.1, weight_decay=0.0) with steps 0; expected none, as nothing is trained"),
        ({"loss": Square()}, "loss Square(factor=0.5) with steps 0; expected none, as nothing is trained"),
        ({"watch": ("weights",)}, "watch ('weights',) with steps 0; expected none, as nothing is trained"),
        ({"stop": Stop(loss=0.1)}, "stop Stop("),
        ({"checkpoints": Every(3)}, "checkpoints Every(steps=3) with steps 0; expected none, as nothing is trained"),
        ({"steps": 5}, "rule None; expected a rule"),
        ({"steps": 5, "rule": GD(0.1)}, "loss None; expected a loss"),
        ({"steps": 5, "rule": GD(0.1), "loss": Square(), "model": None}, "model None; expected a model"),
        ({"after": replace(START, rule=GD(0.1), loss=Square(), steps=2)}, "steps 0 after another training; expected"),
    ],
)
def test_what_would_do_nothing_or_is_missing_is_refused(change, message):
    with pytest.raises(InvalidExperiment) as caught:
        replace(START, **change)
    assert str(caught.value).startswith(message)
