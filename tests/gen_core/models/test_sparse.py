"""The sparse linear model against dense vectors, plain integers and projections, at sizes where these can be had."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from gen_core import GD, SGD, Data, Experiment, InvalidExperiment, Linear, SparseLinear, Square, Stop
from gen_core.lab import Lab, Store
from gen_core.models.sparse import GOLDEN, sgd_limit, smaller_share, start_weights


@dataclass(frozen=True)
class Pairs:
    """Points (x(1), k) with k from 2 to d; small d makes points share coordinates."""

    n: int = 20
    d: int = 60
    p: float = 0.3
    n_test: int = 50
    inputs: tuple[int, ...] = (2,)

    def draw(self, generator: torch.Generator) -> Data:
        total = self.n + self.n_test
        y = 2.0 * torch.randint(2, (total,), generator=generator).double() - 1
        eta = 1 - 2.0 * (torch.rand(total, generator=generator) < self.p).double()
        X = torch.stack((eta * y, torch.randint(2, self.d + 1, (total,), generator=generator).double()), 1)
        return Data(X[: self.n], y[: self.n], X[self.n :], y[self.n :])


def training(model: SparseLinear, data: Pairs | None = None, **changes: object) -> Experiment:
    base = Experiment(
        data=data or Pairs(),
        model=model,
        rule=GD(0.3),
        loss=Square(1.0),
        steps=50,
        watch=("test_classes",),
        dtype="float64",
    )
    return replace(base, **changes)


def dense(X: torch.Tensor, d: int) -> np.ndarray:
    """Rows of R^d, (n, d), of the pairs X, (n, 2)."""
    rows = np.zeros((len(X), d))
    rows[:, 0] = X[:, 0].numpy()
    rows[np.arange(len(X)), X[:, 1].long().numpy() - 1] = 1
    return rows


def dense_start(run, row: int, d: int) -> np.ndarray:
    """w0 in R^d of a model that does not look at the sample."""
    law, shift = run.initial("law")[row], run.initial("shift")[row]
    rest = start_weights(law, shift, torch.arange(2.0, d + 1, dtype=torch.float64))
    return np.concatenate(([run.experiment.model.first], rest.numpy()))


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(Store(tmp_path), torch.device("cpu"))


@pytest.mark.parametrize("start", ["constant", "sign", "uniform"])
def test_descent_is_that_of_the_dense_vector(lab, start):
    run = lab.run(training(SparseLinear(20, first=0.7, bound=0.4, start=start)), 3)
    for row in range(3):
        X, y, w = dense(run.X[row], 60), run.y[row].numpy(), dense_start(run, row, 60)
        for _ in range(50):
            w -= 0.3 * 2 / 20 * X.T @ (X @ w - y)
        assert float(run.weights("w1")[row]) == pytest.approx(w[0], abs=1e-12)
        known = run.initial("coordinates")[row]
        known = known[known.isfinite()].long().numpy()
        assert run.w[row, : len(known)].numpy() == pytest.approx(w[known - 1], abs=1e-12)
        assert len(known) < 20
        assert not run.w[row, len(known) :].any()
        held_out = dense(run.X_test[row], 60) @ w > 0  # with coordinates in the sample and off it
        assert run.watched("test_classes")[row, -1].tolist() == held_out.tolist()


def test_starts_that_differ_train_as_one_batch(lab):
    models = [SparseLinear(20, first=1.0), SparseLinear(20, bound=0.4, start="sign"), SparseLinear(20, peek="aligned")]
    assert len({training(model).batch_key() for model in models}) == 1
    lab.plan([(model.start + model.peek, training(model), 2) for model in models])
    together = lab.runs([training(model) for model in models], 2)
    for model, run in zip(models, together, strict=True):
        alone = Lab(Store(lab.store.root / "alone"), torch.device("cpu")).run(training(model), 2)
        assert torch.allclose(run.w, alone.w, atol=1e-13, rtol=0)


def test_sgd_ends_where_the_start_projects_onto_the_interpolants(lab):
    model = SparseLinear(30, first=-2.0, bound=0.5, start="uniform")
    data = Pairs(n=30, d=10**15, n_test=1)
    run = lab.run(training(model, data, rule=SGD(0.25, batch=1), steps=3_000, stop=Stop(loss=1e-26, every=30)), 4)
    for row in range(4):
        columns = {k: i + 1 for i, k in enumerate(run.initial("coordinates")[row].tolist())}
        packed = torch.tensor([[x1, columns[k] + 1] for x1, k in run.X[row].tolist()])
        X, y = dense(packed, 31), run.y[row].numpy()
        w0 = np.concatenate(([-2.0], run.initial("w")[row].numpy()))
        limit = w0 + np.linalg.lstsq(X, y - X @ w0)[0]
        assert np.concatenate(([run.weights("w1")[row]], run.w[row])) == pytest.approx(limit, abs=1e-10)
        at_points = torch.from_numpy(w0[packed[:, 1].long().numpy() - 1])
        assert float(sgd_limit(-2.0, run.X[row, :, 0], run.y[row], at_points)) == pytest.approx(limit[0], abs=1e-12)


def test_the_start_is_a_function_of_the_coordinate_and_the_seed():
    k = torch.tensor([2.0, 3.0, 2.0**53 - 1, 2.0**53], dtype=torch.float64)
    law, shift = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64), torch.tensor(-(2**62) - 12345)
    for value, at in zip(start_weights(law, shift, k).tolist(), k.tolist(), strict=True):
        signed = (int(at) * GOLDEN + int(shift) + 2**63) % 2**64 - 2**63
        assert value == float(signed) / 2**63


def test_a_uniform_start_is_even():
    k = torch.arange(2.0, 10**5, dtype=torch.float64)
    w0 = start_weights(torch.tensor([0.0, 0.0, 0.5]).double(), torch.tensor(99), k).sort().values
    even = torch.linspace(-0.5, 0.5, len(k), dtype=torch.float64)
    assert float((w0 - even).abs().max()) < 1e-4
    signs = start_weights(torch.tensor([0.0, 0.5, 0.0]).double(), torch.tensor(99), k)
    assert abs(float(signs.mean())) < 1e-4
    assert signs.abs().unique().tolist() == [0.5]


@pytest.mark.parametrize("start", ["constant", "sign", "uniform"])
@pytest.mark.parametrize("w1", [-0.9, -0.4, 0.0, 0.1, 0.4, 2.0])
def test_smaller_share_counts_all_indices(lab, start, w1):
    d = 20_000
    run = lab.run(training(SparseLinear(20, first=w1, bound=0.4, start=start), Pairs(d=d), steps=1), 1)
    w0 = dense_start(run, 0, d)[1:]
    counted = np.mean(np.where(np.abs(w0) == abs(w1), 0.5, np.abs(w0) < abs(w1)))
    known, w = run.initial("coordinates"), run.initial("w")
    found = smaller_share(run.experiment.model, d, known, torch.tensor([w1], dtype=torch.float64), w)
    # The law stands for a uniform start below its bound; its multiples of GOLDEN are even to (log d) / d.
    assert float(found) == pytest.approx(counted, abs=1e-3 if start == "uniform" and abs(w1) < 0.4 else 1e-12)


def test_peeks_look_at_the_sample():
    data = Data(torch.tensor([[1.0, 5], [-1, 3], [1, 9]]).double(), torch.tensor([1.0, 1, -1]).double())

    def started(**fields):
        model = SparseLinear(3, **fields)
        params = model.init((2,), torch.Generator().manual_seed(0), torch.float64)
        return model.place(params, data), {name: value.clone() for name, value in params.items()}

    aligned, drawn = started(bound=0.2, peek="aligned")
    assert aligned["coordinates"].tolist() == [3, 5, 9]
    assert aligned["w"].tolist() == [-0.2, 0.2, 0.2]
    assert not drawn["w"].any()
    fitted, _ = started(first=-5.0, peek="interpolating")
    assert fitted["w"].tolist() == [-4, 6, 4]
    model = SparseLinear(3, first=-5.0)
    f = model.forward({name: value[None] for name, value in fitted.items()}, data.X[None])
    assert f[0].tolist() == data.y.tolist()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n": 0}, "n 0; expected a positive integer"),
        ({"first": float("inf")}, "first inf; expected a finite number"),
        ({"bound": -1.0}, "bound -1.0; expected a finite number >= 0"),
        ({"start": "normal"}, "start 'normal'; expected one of constant, sign, uniform"),
        ({"peek": "all"}, "peek 'all'; expected one of none, aligned, interpolating"),
    ],
)
def test_a_recipe_that_cannot_be_started_is_refused(fields, message):
    with pytest.raises(InvalidExperiment, match=f"^{message}$"):
        SparseLinear(**{"n": 3, **fields})


def test_what_does_not_fit_the_model_is_refused(lab):
    with pytest.raises(
        InvalidExperiment, match=r"SparseLinear on inputs \(3,\); expected \(2,\), pairs of x\(1\) and k"
    ):
        training(SparseLinear(20), Pairs(inputs=(3,)))
    with pytest.raises(InvalidExperiment, match="SparseLinear with n 19 for 20 points; expected equal numbers"):
        lab.run(training(SparseLinear(19)), 1)
    with pytest.raises(InvalidExperiment, match=r"SparseLinear in torch.float32; expected float64"):
        lab.run(training(SparseLinear(20), dtype="float32"), 1)


def test_a_model_without_place_starts_as_it_is_drawn(lab):
    run = lab.run(training(SparseLinear(20), steps=1), 1)
    plain = lab.run(replace(run.experiment, model=Linear(init_std=1.0)), 1)
    assert plain.initial("w").shape == (1, 2)
