"""Looks at the hardest points of rows tell as much about where they stop as looks at all of their points."""

from dataclasses import dataclass

import pytest
import torch

from gen_core import MLP, SGD, CrossEntropy, Experiment, LogSumExp, Square, Stop
from gen_core.data import Gaussian
from gen_core.losses import Logistic
from gen_core.training import stopping
from gen_core.training.batch import Batch
from gen_core.training.stopping import Looks, tells_early

ROWS, N, D = 3, 40, 5
CPU = torch.device("cpu")


def drawn(outputs, seed=0):
    """A model, its parameters in rows, and points with labels."""
    g = torch.Generator().manual_seed(seed)
    model = MLP((7,), outputs=outputs)
    starts = [model.init((D,), g, torch.float32) for _ in range(ROWS)]
    params = {name: torch.stack([start[name] for start in starts]) for name in starts[0]}
    X = torch.randn(ROWS, N, D, generator=g)
    y = torch.randint(outputs, (ROWS, N), generator=g) if outputs > 1 else torch.randn(ROWS, N, generator=g).sign()
    return model, params, X, y


def whole(model, params, loss, X, y):
    """Loss and accuracy of every row over all points, point by point in float64."""
    params = {name: value.double() for name, value in params.items()}
    f = model.forward(params, X.double())
    if y.is_floating_point():
        each, hits = torch.log1p(torch.exp(-y * f)), f.sign() == y
    else:
        each, hits = -f.log_softmax(-1).gather(-1, y.unsqueeze(-1)).squeeze(-1), f.argmax(-1) == y
    return each.mean(1), hits.double().mean(1)


@pytest.mark.parametrize(("outputs", "loss"), [(4, CrossEntropy()), (1, Logistic())])
def test_a_row_is_told_exactly_or_shown_to_go_on(outputs, loss, monkeypatch):
    monkeypatch.setattr(stopping, "EVALUATED", 16)
    model, params, X, y = drawn(outputs)
    true, accuracy = whole(model, params, loss, X, y)
    alive = torch.ones(ROWS, dtype=torch.bool)
    for limit in (0.0, *(true + 1e-3).tolist(), *(true - 1e-3).tolist(), 10.0):
        looks = Looks(model, loss, Stop(loss=limit))
        first = looks.bounds(params, X, y, alive)
        torch.testing.assert_close(first, (true.float(), accuracy.float()))
        low, high = looks.bounds(params, X, y, alive)
        assert torch.equal(low <= limit, true <= limit)
        assert (low <= true + 1e-6).all()
        assert (high >= accuracy.float()).all()
        exact = low == first[0]
        assert exact[true <= limit].all()
    for limit in sorted({*accuracy.tolist(), 1.0}):
        looks = Looks(model, loss, Stop(accuracy=limit))
        looks.bounds(params, X, y, alive)
        assert torch.equal(looks.bounds(params, X, y, alive)[1] >= limit, accuracy.float() >= limit)


def test_both_criteria_must_be_out_of_reach():
    model, params, X, y = drawn(4)
    _, accuracy = whole(model, params, CrossEntropy(), X, y)
    looks = Looks(model, CrossEntropy(), Stop(loss=1e-6, accuracy=float(accuracy.max())))
    for _ in range(2):
        _, high = looks.bounds(params, X, y, torch.ones(ROWS, dtype=torch.bool))
        assert torch.equal(high >= float(accuracy.max()), accuracy >= accuracy.max())


def test_weights_that_overflow_are_looked_at_whole():
    model, params, X, y = drawn(4)
    looks = Looks(model, CrossEntropy(), Stop(loss=0.01))
    alive = torch.ones(ROWS, dtype=torch.bool)
    looks.bounds(params, X, y, alive)
    params["W2"][1] *= 1e25
    X[1, 0] *= 1e20  # this point alone is not finite
    low, _ = looks.bounds(params, X, y, alive)
    assert low.isfinite().tolist() == [True, False, True]


def test_rows_that_have_ended_or_left_are_not_looked_at():
    model, params, X, y = drawn(4)
    looks = Looks(model, CrossEntropy(), Stop(loss=0.01))
    looks.bounds(params, X, y, torch.ones(ROWS, dtype=torch.bool))
    low, high = looks.bounds(params, X, y, torch.tensor([True, False, True]))
    assert low.isnan().tolist() == high.isnan().tolist() == [False, True, False]
    kept = torch.tensor([2])
    looks.keep(kept)
    few = looks.bounds({name: p[kept] for name, p in params.items()}, X[kept], y[kept], torch.tensor([True]))
    torch.testing.assert_close(few, (low[kept], high[kept]))


@dataclass(frozen=True)
class Own(CrossEntropy):
    """A loss of its author's, which may be negative."""

    def per_point(self, f, y):
        return super().per_point(f, y) - 1


class Foreign(MLP):
    """A model of its author's, whose outputs may depend on all points."""


def test_nothing_is_told_early_of_what_is_not_known():
    known = MLP((7,), outputs=4)
    assert tells_early(known, CrossEntropy())
    assert tells_early(known, Square())
    assert not tells_early(known, Own())
    assert not tells_early(known, LogSumExp())
    assert not tells_early(Foreign((7,), outputs=4), CrossEntropy())
    assert not tells_early(MLP((7,), outputs=4, batch_norm=True), CrossEntropy())


def test_a_training_stops_where_it_does_by_all_points_and_looks_at_fewer(monkeypatch):
    experiment = Experiment(
        data=Gaussian(n=60, d=20),
        model=MLP((30,), outputs=1),
        rule=SGD(rate=0.05, batch=10),
        loss=Square(),
        steps=800,
        stop=Stop(loss=0.01, every=4),
    )
    rows = [(experiment, seed) for seed in range(4)]
    points = []
    seen = Looks._seen
    monkeypatch.setattr(
        Looks, "_seen", lambda self, p, r, X, y: (points.append(X.shape[:2].numel()), seen(self, p, r, X, y))[1]
    )
    told = Batch(rows, CPU).train(lambda step: None)
    looked, points[:] = sum(points), []
    monkeypatch.setattr("gen_core.training.batch.tells_early", lambda model, loss: False)
    plain = Batch(rows, CPU).train(lambda step: None)
    assert not points
    assert set(plain.stopped_by) == {"loss"}
    assert told.stopped_by == plain.stopped_by
    assert all(torch.equal(told.arrays[name], value) for name, value in plain.arrays.items())
    alive = int(((plain.arrays["step"] // 4) + 1).sum())
    assert looked < 0.6 * alive * 60
