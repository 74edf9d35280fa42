"""Models and losses of one's own that give something else than a training takes are refused in one line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch

from gen_core import GD, Experiment, InvalidExperiment, Linear, LogSumExp, Potential, Square
from gen_core.losses import Energy
from gen_core.training import contract
from gen_core.training.batch import Batch
from gen_core.training.contract import require_contract
from gen_core.training.draws import initial_parameters
from gen_core.types import Nothing
from tests.gen_core.training.teacher import LEAST_SQUARES, Teacher

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(contract, "_known", set())


def begun(experiment: Experiment) -> None:
    batch = Batch([(experiment, seed) for seed in range(3)], CPU)
    require_contract(batch.experiment, batch.params, batch.X, batch.y)


@dataclass(frozen=True)
class Own(Square):
    how: str = "good"
    calls: ClassVar[list[str]] = []

    def per_point(self, f, y):
        Own.calls.append(self.how)
        losses = super().per_point(f, y)
        ways = {"good": losses, "mean": losses.mean(1), "seeds": losses.T, "detached": losses.detach()}
        return (ways | {"constant": torch.ones_like(losses), "number": 1.0})[self.how]


@dataclass(frozen=True)
class OwnWhole(LogSumExp):
    def on_batch(self, f, y):
        return super().on_batch(f, y).mean()


@dataclass(frozen=True)
class OwnModel(Linear):
    how: str = "good"
    is_chain: ClassVar[bool] = True

    def init(self, inputs, generator, dtype):
        params = super().init(inputs, generator, dtype)
        if self.how == "float64":
            params["w"] = params["w"].double()
        ways = {"list": [params["w"]], "missing": {}, "numpy": {"w": params["w"].numpy()}}
        return ways.get(self.how, params)

    def forward(self, params, X):
        f = super().forward(params, X)
        return {"column": f[..., None], "none": None, "detached": f.detach()}.get(self.how, f)


@dataclass(frozen=True)
class Flat(Potential):
    def init(self, inputs, generator, dtype):
        return {
            "w": torch.randn(3, generator=generator, dtype=torch.float64).to(dtype),
            "b": torch.zeros(3, dtype=dtype),
        }

    def energy(self, params):
        return params["w"].square()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"loss": Own(how="mean")},
            r"^Own.per_point gave torch.float64 \(2,\) for 2 seeds and 20 points; expected floats",
        ),
        (
            {"loss": Own(how="seeds")},
            r"^Own.per_point gave torch.float64 \(20, 2\) for 2 seeds and 20 points; expected",
        ),
        ({"loss": Own(how="number")}, r"^Own.per_point gave a float; expected a tensor of shape \(2, 20\)$"),
        ({"loss": Own(how="detached")}, "^Own of Linear has no gradient in w; expected a loss that autograd follows"),
        ({"loss": Own(how="constant")}, "^Own of Linear has no gradient in w; expected a loss that autograd follows"),
        (
            {"loss": OwnWhole()},
            r"^OwnWhole.on_batch gave torch.float64 \(\) for 2 seeds; expected floats of shape \(2,\)$",
        ),
        ({"model": OwnModel(how="column")}, r"^OwnModel.forward gave torch.float64 \(2, 20, 1\) for 2 seeds and 20"),
        ({"model": OwnModel(how="none")}, r"^OwnModel.forward gave a NoneType; expected a tensor of shape \(2, 20\)$"),
        (
            {"model": Flat(), "data": Nothing(), "loss": Energy(), "watch": ()},
            "^Energy of Flat has no gradient in b; expected a loss that autograd follows to each of them",
        ),
    ],
)
def test_what_a_training_cannot_take_is_refused(change, message):
    with pytest.raises(InvalidExperiment, match=message):
        begun(replace(LEAST_SQUARES, **change))


def test_what_a_training_can_take_is_looked_at_once():
    Own.calls.clear()
    for _ in range(2):
        begun(replace(LEAST_SQUARES, loss=Own()))
        begun(replace(LEAST_SQUARES, loss=Own(), rule=GD(0.2)))
    assert Own.calls == ["good"]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("float64", "^OwnModel.init gave w of torch.float64; expected torch.float32, the dtype that it is given$"),
        ("list", "^OwnModel.init gave a list; expected name -> tensor, with w among them$"),
        ("missing", "^OwnModel.init gave no 'w'; expected name -> tensor, with w among them$"),
        ("numpy", "^OwnModel.init gave a ndarray for 'w'; expected name -> tensor, with w among them$"),
    ],
)
def test_a_start_has_what_the_model_names(how, message):
    experiment = Experiment(
        data=Teacher(labels="real"), model=OwnModel(how=how), rule=GD(0.1), loss=Square(), steps=3, dtype="float32"
    )
    with pytest.raises(InvalidExperiment, match=message):
        initial_parameters(experiment, 0)
