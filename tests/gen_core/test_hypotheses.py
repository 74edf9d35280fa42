"""The library's hypotheses against dense Hessians, hand-computed losses and norms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gen_core import (
    GD,
    MLP,
    CrossEntropy,
    Data,
    Experiment,
    InvalidClaim,
    InvalidExperiment,
    Linear,
    Logistic,
    Square,
    TwoLayer,
    assumption,
    hypotheses,
)
from gen_core.errors import Unfinished
from gen_core.hypotheses import interpolates, largest_eigenvalue, left_its_start, starts_below_2_over_eta, trained_to
from gen_core.lab import Lab, Store
from gen_core.training.draws import initial_parameters, sample_data


@dataclass(frozen=True)
class Targets:
    n: int = 12
    inputs: tuple[int, ...] = (4,)
    classes: int = 0

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, 4, generator=generator, dtype=torch.float64)
        if self.classes:
            return Data(X, torch.randint(self.classes, (self.n,), generator=generator))
        return Data(X, X @ torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64))


regression = Experiment(
    data=Targets(), model=Linear(init_std=1.0), rule=GD(0.1), loss=Square(), steps=40, dtype="float64"
)


@pytest.fixture
def run(tmp_path: Path):
    lab = Lab(Store(tmp_path), torch.device("cpu"))
    return lambda experiment, seeds=4: lab.run(experiment, seeds)


def test_equal_arguments_make_equal_hypotheses():
    makers = [lambda: trained_to(0.5), interpolates, lambda: interpolates(0.1), lambda: left_its_start(0.5, "loss")]
    made = [make() for make in (*makers, starts_below_2_over_eta)]
    assert made == [make() for make in (*makers, starts_below_2_over_eta)]
    assert len(set(made)) == len(made)
    assert trained_to(0.5) != trained_to(0.6)
    assert left_its_start(0.5) != left_its_start(0.5, "loss")


@pytest.mark.parametrize(
    "wrong", [lambda: trained_to(-1.0), lambda: interpolates(np.nan), lambda: left_its_start(True)]
)
def test_wrong_arguments_are_refused_at_once(wrong):
    with pytest.raises(InvalidExperiment, match="expected a finite number"):
        wrong()
    with pytest.raises(InvalidExperiment, match="of 'data'; expected 'weights' or 'loss'"):
        left_its_start(0.1, "data")  # type: ignore[arg-type]


def test_trained_to_splits_the_seeds_at_its_loss(run):
    done = run(regression)
    losses = [0.5 * float(((X @ w - y) ** 2).mean()) for X, w, y in zip(done.X, done.w, done.y, strict=True)]
    middle = sorted(losses)[1]
    holds, words = trained_to(middle * (1 + 1e-9)).on_run(done)
    assert holds.tolist() == [loss <= middle for loss in losses]
    assert holds.sum() == 2
    assert words == f"training loss {min(losses):.4g} to {max(losses):.4g}"


def test_interpolates_needs_every_point(run):
    done = run(replace(regression, steps=3000))
    off = [float((X @ w - y).abs().max()) for X, w, y in zip(done.X, done.w, done.y, strict=True)]
    for within in (1e-12, sorted(off)[1] * 1.0001, 1.0):
        assert interpolates(within).on_run(done)[0].tolist() == [each <= within for each in off]
    wide = replace(
        regression, data=Targets(classes=3), model=MLP((64,), outputs=3), loss=CrossEntropy(), dtype="float32"
    )
    few, many = (run(replace(wide, rule=GD(0.5), steps=steps)) for steps in (1, 2000))
    right = [bool((f.argmax(-1) == y).all()) for f, y in zip(few.outputs(few.X), few.y, strict=True)]
    assert interpolates().on_run(few)[0].tolist() == right != [True] * 4
    assert interpolates().on_run(many) == (pytest.approx(torch.ones(4)), "training accuracy 1")
    with pytest.raises(InvalidExperiment, match=r"outputs \(4, 12, 3\) for labels \(4, 12\); expected one output"):
        interpolates(0.1).on_run(many)


def test_left_its_start_compares_with_the_norm_and_the_loss_of_the_start(run):
    done = run(replace(regression, steps=2))
    start = [initial_parameters(regression, seed)["w"] for seed in done.seeds]
    shares = [float((w - s).norm() / s.norm()) for w, s in zip(done.w, start, strict=True)]
    edge = sorted(shares)[2]
    holds, words = left_its_start(edge * (1 - 1e-9)).on_run(done)
    assert holds.tolist() == [share >= edge for share in shares]
    assert words.startswith("moved by ")
    fell = []
    for X, w, s, y in zip(done.X, done.w, start, done.y, strict=True):
        before, after = (float(((X @ v - y) ** 2).mean()) for v in (s, w))
        fell.append(1 - after / before)
    edge = sorted(fell)[2]
    holds, words = left_its_start(edge * (1 - 1e-9), "loss").on_run(done)
    assert holds.tolist() == [each >= edge for each in fell]
    assert words.startswith("training loss from ")


def test_a_dead_network_has_not_left_its_start_and_one_at_zero_has_by_any_move(run):
    dead = replace(regression, model=TwoLayer(width=4, activation="relu"), data=Targets(), rule=GD(1e-12), steps=1)
    assert not left_its_start(1e-6).on_run(run(dead))[0].any()
    from_zero = replace(regression, model=Linear(), steps=1)
    assert left_its_start(0.99).on_run(run(from_zero))[0].all()


@pytest.mark.parametrize(
    ("model", "loss", "classes"),
    [
        (Linear(init_std=1.0), Square(), 0),
        (Linear(init_std=1.0), Logistic(), 0),
        (MLP((5,), activation="tanh"), Square(), 0),
        (MLP((5, 4)), Square(), 0),
        (TwoLayer(width=6), Square(), 0),
        (MLP((5,), activation="tanh", outputs=3), CrossEntropy(), 3),
    ],
)
def test_the_largest_eigenvalue_is_that_of_the_dense_hessian(model, loss, classes):
    one = replace(regression, model=model, loss=loss, data=Targets(classes=classes))
    data, start = sample_data(one, 3), initial_parameters(one, 3)
    names = model.trainable
    sizes = [start[name].numel() for name in names]

    def objective(flat):
        parts = dict(zip(names, flat.split(sizes), strict=True))
        params = {k: (parts[k].view(v.shape) if k in parts else v).unsqueeze(0) for k, v in start.items()}
        return loss.per_point(model.forward(params, data.X.unsqueeze(0)), data.y.unsqueeze(0)).mean()

    dense = torch.autograd.functional.hessian(objective, torch.cat([start[name].flatten() for name in names]))
    top = float(torch.linalg.eigvalsh(dense)[-1])
    for rate, holds in ((2 / top * 0.99, True), (2 / top * 1.01, False)):
        told, words = starts_below_2_over_eta().on(replace(one, rule=GD(rate)), 3)
        assert told == holds
        assert float(words.split()[2]) == pytest.approx(top, rel=1e-3)


def test_an_eigenvalue_that_cannot_be_told_from_the_limit_is_no_answer(monkeypatch):
    one = replace(regression, model=MLP((5,), activation="tanh"))
    top = float(starts_below_2_over_eta().on(one, 0)[1].split()[2])
    monkeypatch.setattr(hypotheses, "ITERATIONS", 2)
    with pytest.raises(Unfinished, match=r"^largest eigenvalue .* \(residual .*\), 2 / rate .*; expected them further"):
        starts_below_2_over_eta().on(replace(one, rule=GD(2 / top)), 0)


def test_lanczos_finds_the_top_of_known_spectra():
    generator = torch.Generator().manual_seed(4)
    Q = torch.linalg.qr(torch.randn(60, 60, generator=generator, dtype=torch.float64))[0]
    for values in (torch.arange(60.0), torch.full((60,), 2.0), -torch.arange(1.0, 61), torch.zeros(60)):
        A = Q @ torch.diag(values.double()) @ Q.mT
        top = largest_eigenvalue(lambda v, A=A: A @ v, 60)
        assert top.value <= float(values.max()) + 1e-9
        assert top.value == pytest.approx(float(values.max()), abs=1e-3)
        assert abs(top.value - float(values.max())) <= top.residual + 1e-9
    assert largest_eigenvalue(lambda v: -3 * v, 1).value == pytest.approx(-3)


@pytest.mark.parametrize(
    ("returned", "found"),
    [
        ("True", "True"),
        ("holds", "tensor([True, True, True, True])"),
        ("(holds, '')", "(tensor([True, True, True, True]), '')"),
        ("(True, 'fine')", "(True, 'fine')"),
        ("(holds[:2], 'fine')", "a tensor of torch.bool (2,)"),
        ("(holds.unsqueeze(1), 'fine')", "a tensor of torch.bool (4, 1)"),
        ("(run.train_loss, 'fine')", "a tensor of torch.float64 (4,)"),
    ],
)
def test_a_hypothesis_on_a_run_that_returns_something_else_is_told_what_is_expected(run, returned, found):
    def odd(run):
        """It is odd."""
        holds = run.train_loss > -1
        return eval(returned, {"holds": holds, "run": run})

    with pytest.raises(InvalidClaim) as caught:
        assumption(odd).on_run(run(regression))
    words = 'expected whether it holds in each seed, bool (4,), and words: return holds, "..."'
    assert str(caught.value) == f"assumption odd returned {found}; {words}"


@pytest.mark.parametrize(
    "returned", [True, (True,), (True, ""), (torch.tensor([True, False]), "two"), ("yes", "words")]
)
def test_a_hypothesis_on_draws_that_returns_something_else_is_told_what_is_expected(returned):
    def odd(experiment, data):
        """It is odd."""
        return returned

    with pytest.raises(
        InvalidClaim, match=r"^assumption odd returned .*; expected whether it holds, and words: return"
    ):
        assumption(odd).on(regression, 0)


@pytest.mark.parametrize("holds", [True, np.bool_(True), torch.tensor(True)])
def test_one_truth_value_of_any_kind_is_taken(holds):
    def fine(experiment, data):
        """It is fine."""
        return holds, "fine"

    assert assumption(fine).on(regression, 0) == (True, "fine")


def test_a_hypothesis_that_changes_its_run_is_refused(run):
    def careless(run):
        """The weights are small."""
        return run.w.mul_(0).sum(1) == 0, "zero"

    with pytest.raises(InvalidExperiment, match=r"^the hypothesis 'careless' changed its run in place; expected it to"):
        assumption(careless).on_run(run(regression))
