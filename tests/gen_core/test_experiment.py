from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gen_core import (
    GD,
    MLP,
    SGD,
    Adam,
    ConvNet,
    CrossEntropy,
    Data,
    Energy,
    Every,
    Experiment,
    Geometric,
    InvalidExperiment,
    Linear,
    Logistic,
    Newton,
    Square,
    Stop,
    TwoLayer,
)
from gen_core.experiment import WATCHES
from gen_core.types import Nothing


@dataclass(frozen=True)
class Points:
    n: int = 10
    inputs: tuple[int, ...] = (3,)
    n_test: int = 0
    noise: object = 0.0

    def draw(self, generator: torch.Generator) -> Data:
        raise NotImplementedError


@dataclass
class Mutable:
    n: int = 10
    inputs: tuple[int, ...] = (3,)

    def draw(self, generator: torch.Generator) -> Data:
        raise NotImplementedError


class Bare:
    n, inputs = 3, (2,)

    def draw(self, generator: torch.Generator) -> Data:
        raise NotImplementedError


class Doubled(Linear):
    """Not linear for all that anyone knows: its forward is its own."""


@dataclass(frozen=True)
class Unsized:
    outputs, trainable = 1, ("w",)

    def init(self, inputs, generator, dtype):
        raise NotImplementedError

    def forward(self, params, X):
        raise NotImplementedError


VALID = Experiment(data=Points(), model=Linear(), rule=GD(0.1), loss=Square(), steps=10)
RECIPE = "expected a number, a string, a tuple or a frozen dataclass of these"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": -1}, "steps -1; expected an integer >= 0"),
        ({"steps": 1.5}, "steps 1.5; expected an integer >= 0"),
        ({"steps": True}, "steps True; expected an integer >= 0"),
        ({"dtype": "float16"}, "dtype 'float16'; expected 'float32' or 'float64'"),
        ({"dtype": torch.float64}, f"Experiment.dtype torch.float64; {RECIPE}"),
        (
            {"watch": ("loss",)},
            f"watch 'loss'; expected some of {', '.join(WATCHES)}, or a frozen dataclass with a __call__",
        ),
        ({"watch": "weights"}, "watch 'weights'; expected a tuple of distinct names and observables"),
        (
            {"watch": ("weights", "weights")},
            "watch ('weights', 'weights'); expected a tuple of distinct names and observables",
        ),
        ({"watch": ("test_classes",)}, "watch 'test_classes' with n_test 0; expected held-out points"),
        ({"rule": SGD(0.1, 11)}, "batch 11 of n=10 points; expected at most n"),
        ({"rule": Linear()}, "rule Linear(init_std=0.0, bias=False); expected a rule"),
        (
            {"model": GD(0.1)},
            "model GD(rate=0.1, weight_decay=0.0); expected a model (it lacks outputs, trainable, init, forward, size)",
        ),
        ({"model": Unsized()}, "model Unsized(); expected a model (it lacks batch_form, size)"),
        (
            {"model": MLP(batch_norm=True), "rule": SGD(0.1, 1)},
            "batch norm of MLP with batch 1; expected at least 2",
        ),
        ({"model": Linear}, "model <class 'gen_core.models.two_layer.Linear'>; expected a model"),
        ({"loss": "square"}, "loss 'square'; expected a loss"),
        ({"stop": 0.1}, "stop 0.1; expected a Stop"),
        ({"checkpoints": 10}, "checkpoints 10; expected Every, Geometric or AtLoss"),
        ({"data": 5}, "data 5; expected a data set, with n, inputs and draw"),
        ({"data": Points(n=0)}, "data.n 0; expected a positive integer"),
        ({"data": Points(inputs=(3, 0))}, "data.inputs 0; expected a positive integer"),
        ({"data": Points(inputs=3)}, "data.inputs 3; expected a tuple of positive integers"),
        ({"data": Points(noise=torch.ones(2))}, f"Points.noise tensor([1., 1.]); {RECIPE}"),
        ({"data": Points(noise=[1])}, f"Points.noise [1]; {RECIPE}"),
        ({"data": Points(noise=len)}, f"Points.noise <built-in function len>; {RECIPE}"),
        ({"data": Points(noise=float("nan"))}, "Points.noise nan; expected a finite number"),
        ({"data": Mutable()}, "Experiment.data of type Mutable, which is mutable; expected a dataclass(frozen=True)"),
        ({"model": ConvNet()}, "inputs (3,); expected (channels, height, width)"),
        ({"model": MLP(), "rule": Newton()}, "Newton on MLP; expected a Linear model"),
        ({"model": Doubled(), "rule": Newton()}, "Newton on Doubled; expected a Linear model"),
        (
            {"loss": CrossEntropy()},
            "loss CrossEntropy() with Linear of one output; expected an output for each class (or Logistic, with "
            "labels -1 and 1)",
        ),
        ({"data": Nothing(), "loss": Energy()}, "Linear without data; expected data, or a Potential"),
        (
            {"rule": SGD(0.1, 2), "stop": Stop(gradient=0.1)},
            "stop gradient 0.1 with batch 2; expected a rule on all points",
        ),
    ],
)
def test_an_experiment_that_cannot_run_is_refused_in_one_line(change, message):
    with pytest.raises(InvalidExperiment) as caught:
        replace(VALID, **change)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLP(hidden=(-5,)), "hidden -5; expected a positive integer"),
        (lambda: TwoLayer(-4), "width -4; expected a positive integer"),
        (lambda: MLP(activation="swish"), "activation 'swish'; expected one of relu"),
        (lambda: Every(0), "checkpoint steps 0; expected a positive integer"),
        (lambda: Geometric(1.0), "checkpoint ratio 1.0; expected a finite number > 1"),
        (lambda: Stop(loss=-1.0), "stop loss -1.0; expected a finite number >= 0"),
        (lambda: Stop(gradient=float("nan")), "stop gradient nan; expected a finite number >= 0"),
        (lambda: Stop(accuracy=1.1), "stop accuracy 1.1; expected a finite number > 0 and <= 1"),
        (lambda: Geometric("1.2"), "checkpoint ratio '1.2'; expected a finite number > 1"),
        (lambda: Stop(loss="0.1"), "stop loss '0.1'; expected a finite number >= 0"),
        (lambda: Stop(gradient=(0.1,)), "stop gradient (0.1,); expected a finite number >= 0"),
        (lambda: Stop(accuracy="1"), "stop accuracy '1'; expected a finite number > 0 and <= 1"),
        (lambda: Stop(loss=0.1, every=0), "stop every 0; expected a positive integer"),
        (lambda: Stop(every=5), "stop every 5 of nothing; expected a loss or an accuracy with it"),
    ],
)
def test_parts_that_cannot_run_are_refused(make, message):
    with pytest.raises(InvalidExperiment) as caught:
        make()
    assert str(caught.value).startswith(message)


def test_what_is_not_a_dataclass_is_no_data_set():
    with pytest.raises(InvalidExperiment, match=r"^Experiment.data <.*>; expected|of type Bare; expected"):
        replace(VALID, data=Bare())


@settings(deadline=None)
@given(st.integers(1, 3000), st.integers(1, 400) | st.floats(1.001, 10))
def test_grids_begin_at_0_end_at_the_last_step_and_rise(last, spacing):
    checkpoints = Every(spacing) if isinstance(spacing, int) else Geometric(spacing)
    grid = checkpoints.grid(last)
    assert (grid[0], grid[-1]) == (0, last)
    assert list(grid) == sorted(set(grid))
    for a, b in pairwise(grid[:-1]):
        assert b - a == spacing if isinstance(spacing, int) else b == max(a + 1, round(a * spacing))


def test_grids():
    assert Every(4).grid(10) == (0, 4, 8, 10)
    assert Every(5).grid(10) == (0, 5, 10)
    assert Geometric(2).grid(20) == (0, 1, 2, 4, 8, 16, 20)
    assert replace(VALID, checkpoints=Every(4)).grid == (0, 4, 8, 10)


def test_looks():
    assert Stop().evaluations((0, 4, 8)) == frozenset()
    assert Stop(gradient=0.1).evaluations((0, 4, 8)) == frozenset()
    assert Stop(loss=0.1).evaluations((0, 4, 8)) == {0, 4, 8}
    assert Stop(accuracy=0.9, every=3).evaluations((0, 4, 8)) == {0, 3, 6}


def test_experiments_are_hashable_and_equal_by_value():
    assert len({VALID, replace(VALID), replace(VALID, steps=11)}) == 2
    assert replace(VALID).key == VALID.key != replace(VALID, steps=11).key
    assert VALID.torch_dtype == torch.float32
    assert replace(VALID, dtype="float64").torch_dtype == torch.float64
    assert VALID.label() == "Linear on Points, GD"


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"data": Points(noise=1.0)}, True),
        ({"model": Linear(init_std=1.0)}, True),
        ({"rule": GD(0.7)}, True),
        ({"data": Points(n=11)}, False),
        ({"data": Points(n_test=2)}, False),
        ({"data": Points(inputs=(4,))}, False),
        ({"model": Linear(bias=True)}, False),
        ({"rule": SGD(0.1, 2)}, False),
        ({"rule": Adam(0.1)}, False),
        ({"loss": Square(1.0)}, False),
        ({"loss": Logistic()}, False),
        ({"steps": 11}, False),
        ({"stop": Stop(loss=0.1)}, False),
        ({"checkpoints": Every(2)}, False),
        ({"watch": ("weights",)}, False),
        ({"dtype": "float64"}, False),
    ],
)
def test_forms_agree_where_rows_can_be_trained_together(change, same):
    assert (replace(VALID, **change).batch_key() == VALID.batch_key()) == same
