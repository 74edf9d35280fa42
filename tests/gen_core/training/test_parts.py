"""Passes over points in parts: against the whole formulas, and their memory."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gen_core import GD, MLP, SGD, ConvNet, CrossEntropy, Data, Experiment, Logistic, Run, Runs
from gen_core.measures import (
    changed_decisions,
    changed_patterns,
    first_layer_kernel,
    held_out_errors,
    held_out_losses,
    homogeneity_gap,
    kernels,
    layer_norms,
    norm_products,
    normalized,
    pattern_change,
    tangent_kernel,
    train_losses,
)
from gen_core.models.contract import evaluated, layers_of
from gen_core.models.two_layer import TwoLayer
from gen_core.training import parts
from gen_core.training.draws import sample_data
from gen_core.training.parts import parts_of
from gen_core.training.trainer import train_rows


@dataclass(frozen=True)
class Pictures:
    n: int = 70
    n_test: int = 30
    inputs: tuple[int, ...] = (3, 8, 8)
    classes: int = 3

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n + self.n_test, *self.inputs, generator=generator)
        scores = X.flatten(1)[:, : self.classes]
        y = scores.argmax(1) if self.classes > 2 else 2.0 * (scores[:, 0] > 0).float() - 1
        return Data(X[: self.n], y[: self.n], X[self.n :], y[self.n :])


CONV = Experiment(
    data=Pictures(),
    model=ConvNet((4, 6), hidden=(), outputs=3, bias=False),
    rule=SGD(0.05, 10),
    loss=CrossEntropy(),
    steps=9,
)
NORMED = replace(CONV, model=replace(CONV.model, batch_norm=True, bias=True))
DENSE = replace(CONV, data=Pictures(inputs=(12,), classes=2), model=MLP((16,)), loss=Logistic())


def run_of(experiment: Experiment, seeds: int = 3) -> Run:
    [(_, trained)] = train_rows([(experiment, seed) for seed in range(seeds)], torch.device("cpu"))
    return Run(experiment, tuple(range(seeds)), trained)


@pytest.fixture(params=["together", "some points", "one by one"])
def in_parts(request, monkeypatch):
    """Parts of all seeds and points, of some points of all seeds, and of one point of one seed."""
    if request.param == "some points":
        monkeypatch.setattr(parts, "EVALUATED", 16)
    if request.param == "one by one":
        monkeypatch.setattr(parts, "memory_budget", lambda _: 1)
    return request.param


def close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_parts_cover_every_point_once_and_fit(monkeypatch):
    for budget, seeds, n, size, whole in [
        (1000, 5, 70, 3, 0),
        (1000, 5, 70, 3, 200),
        (40, 2, 9, 50, 10),
        (10**9, 3, 4, 1, 1),
    ]:
        monkeypatch.setattr(parts, "memory_budget", lambda _, budget=budget: budget)
        monkeypatch.setattr(parts, "EVALUATED", 32)
        found = list(parts_of(seeds, n, size, whole))
        times = torch.zeros(seeds, n)
        for rows, at in found:
            times[rows, at] += 1
            rows_there, points = rows.stop - rows.start, at.stop - at.start
            assert points <= 32
            assert rows_there * (whole + points * size) <= budget or rows_there == points == 1
        assert (times == 1).all()
        assert [rows.start for rows, _ in found] == sorted(rows.start for rows, _ in found)


@pytest.mark.usefixtures("in_parts")
@pytest.mark.parametrize(
    "experiment", [CONV, DENSE, replace(CONV, model=replace(CONV.model, batch_norm=True, bias=True))]
)
def test_outputs_and_losses_are_those_of_one_pass(experiment):
    run = run_of(experiment)
    for at in (None, "start"):
        model, params = evaluated(run.model, run.params(at), run.X)
        whole, held_out = (model.forward(params, X).double() for X in (run.X, run.X_test))
        close(run.outputs(run.X, at), whole)
        close(run.train_outputs(at), whole)
        close(run.test_outputs(at), held_out)
        assert run.train_outputs(at).dtype == torch.float64
    elsewhere = run.at({name: 2 * value for name, value in run.parameters.items()})
    model, params = evaluated(run.model, elsewhere.params(), run.X)
    f = model.forward(params, run.X).double()
    labels = run.y.double() if run.y.is_floating_point() else run.y
    close(elsewhere.train_loss, experiment.loss.per_point(f, labels).mean(1).float())
    right = (f > 0) == (run.y > 0) if f.dim() == 2 else f.argmax(-1) == run.y
    assert torch.equal(elsewhere.train_accuracy, right.double().mean(1).float())


@pytest.mark.usefixtures("in_parts")
def test_measures_of_a_family_are_those_of_one_pass():
    run = run_of(CONV)
    runs, layers = Runs({"a": run}), layers_of(run.model, CONV.data.inputs)
    rho = norm_products(runs)
    f, f_test = (run.model.forward(run.parameters, X) for X in (run.X, run.X_test))
    unit = normalized(run.parameters, layers)
    normal, product = run.model.forward(unit, run.X_test), layer_norms(run.parameters, layers).prod(1)
    close(train_losses(runs, rho)[0], CONV.loss.per_point(f / rho[0].view(-1, 1, 1), run.y).mean(1))
    close(held_out_losses(runs, rho)[0], CONV.loss.per_point(f_test / rho[0].view(-1, 1, 1), run.y_test))
    assert torch.equal(held_out_errors(runs)[0], (f_test.argmax(-1) != run.y_test).double())
    close(
        homogeneity_gap(run), (f_test - product.view(-1, 1, 1) * normal).abs().amax((1, 2)) / f_test.abs().amax((1, 2))
    )
    assert torch.equal(changed_decisions(run), (f_test.argmax(-1) != normal.argmax(-1)).double().mean(1))


@pytest.mark.usefixtures("in_parts")
def test_patterns_are_those_of_all_points():
    two = replace(DENSE, model=TwoLayer(10, "relu"), watch=("weights",), rule=GD(1.0))
    run = run_of(two)
    W, W_0, path = run.weights("W"), run.initial("W"), run.watched("weights.W")
    changed = ((run.X @ W.mT > 0) != (run.X @ W_0.mT > 0)).float().mean((1, 2))
    assert changed.max() > 0
    assert torch.equal(pattern_change(run), changed)
    assert torch.equal(changed_patterns(path, W_0, run.X)[:, -1], changed)


@pytest.mark.usefixtures("in_parts")
def test_functions_of_points_get_each_with_its_label_and_seed():
    run = run_of(DENSE)
    for held_out, X, y in ((False, run.X, run.y), (True, run.X_test, run.y_test)):
        found = run.over_points(
            lambda rows, X, y: torch.stack([X[..., 0], y, 0 * y + rows.start], 2), held_out=held_out
        )
        assert torch.equal(found[..., 0], X[..., 0])
        assert torch.equal(found[..., 1], y)
    assert (found[0, :, 2] == 0).all()


def test_kernels_in_blocks_are_those_of_one(monkeypatch):
    stream = torch.Generator().manual_seed(1)
    X, W = torch.randn(20, 6, generator=stream), torch.randn(16, 6, generator=stream)
    model = TwoLayer(16, "tanh", symmetric=False)
    params = {"W": W, "v": torch.ones(16)}
    whole = first_layer_kernel(X, W, "tanh"), tangent_kernel(model, params, X)
    monkeypatch.setattr(kernels, "SLOPES", 3 * 20 * 4)
    monkeypatch.setattr(kernels, "JACOBIANS", 2 * 16 * 6 * 4)
    close(first_layer_kernel(X, W, "tanh"), whole[0])
    close(tangent_kernel(model, params, X), whole[1])
    close(whole[0], whole[1])


class Living(TorchDispatchMode):
    """Notes the largest sum of the bytes of tensors that torch has made and that are alive, beside some others."""

    def __init__(self, beside: list[torch.Tensor]) -> None:
        super().__init__()
        self.now = self.peak = 0
        self.known = {each.untyped_storage()._cdata for each in beside}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for each in tree_leaves(made):
            if isinstance(each, torch.Tensor):
                self._follow(each.untyped_storage())
        return made

    def _follow(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata in self.known:
            return
        place, size = storage._cdata, storage.nbytes()
        self.known.add(place)
        self.now += size
        self.peak = max(self.peak, self.now)

        def gone() -> None:
            self.known.discard(place)
            self.now -= size

        weakref.finalize(storage, gone)


MEASURES = {
    "outputs": lambda run, X: run.train_outputs(),
    "outputs at given points": lambda run, X: run.outputs(X),
    "losses": lambda run, X: run.losses(X, run.y),
    "loss at other weights": lambda run, X: run.at(run.params()).train_loss,
    "training losses": lambda run, X: train_losses(Runs({"a": run}), norm_products(Runs({"a": run}))),
    "test errors": lambda run, X: held_out_errors(Runs({"a": run})),
    "homogeneity": lambda run, X: homogeneity_gap(run),
    "patterns": lambda run, X: pattern_change(run),
    "patterns at given points": lambda run, X: changed_patterns(run.weights("W"), run.initial("W"), X),
}


def peak_of(name: str, experiment: Experiment) -> int:
    """Bytes beside the data at the peak of a measure."""
    run = run_of(experiment)
    drawn = [sample_data(experiment, seed) for seed in run.seeds]
    X = run.X
    with Living([X, *(each for data in drawn for each in vars(data).values())]) as living:
        MEASURES[name](run, X)
    return living.peak


@pytest.mark.parametrize("name", MEASURES)
def test_memory_of_a_measure_does_not_grow_with_the_points(name, monkeypatch):
    monkeypatch.setattr(parts, "EVALUATED", 16)
    experiment = replace(CONV, steps=1)
    if name.startswith("patterns"):
        experiment = replace(DENSE, model=TwoLayer(1000, "relu"), rule=GD(1.0), steps=1)
    few, many = (replace(experiment, data=replace(experiment.data, n=n, n_test=n)) for n in (40, 640))
    of_outputs = 3 * 600 * 3 * 8  # of seeds, further points and classes, in float64; an image alone has 192 numbers
    assert peak_of(name, many) - peak_of(name, few) <= 5 * of_outputs
