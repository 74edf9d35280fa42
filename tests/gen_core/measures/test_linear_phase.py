"""Measures against closed forms, libraries and brute force."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score

from gen_core import GD, SGD, Arms, Data, Experiment, Geometric, Linear, Logistic, Runs, Square, Unfinished
from gen_core.lab import Lab, Store
from gen_core.measures import (
    LinearPhase,
    Measured,
    interpolating_weights,
    linear_phase,
    minimum_norm,
    off_row_span,
    relative_distance,
    resampled_linear_phase,
    resamples,
)
from gen_core.measures.linear_phase import FLOOR

SHARED = torch.randn(400, 5, generator=torch.Generator().manual_seed(0))


@dataclass(frozen=True)
class Halfspace:
    """Labels by the first coordinate; held-out points of every seed, or the same ones for all."""

    n: int = 200
    inputs: tuple[int, ...] = (5,)
    n_test: int = 400
    shared: bool = True

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, *self.inputs, generator=generator)
        X_test = torch.randn(self.n_test, *self.inputs, generator=generator)
        if self.shared:
            X_test = SHARED[: self.n_test]
        return Data(X, X[:, 0].sign(), X_test, X_test[:, 0].sign())


def descent(**changes: object) -> Experiment:
    base = Experiment(
        data=Halfspace(),
        model=Linear(init_std=1.0),
        rule=SGD(0.5, batch=10),
        loss=Logistic(),
        steps=200,
        checkpoints=Geometric(1.5),
        watch=("test_classes",),
    )
    return replace(base, **changes)


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(Store(tmp_path), torch.device("cpu"))


def arms(lab: Lab, **changes: object) -> Runs:
    net, linear = descent(**changes), descent(rule=GD(0.3), model=Linear(init_std=0.1), steps=5, **changes)
    setting = dict(Arms(net=net, linear=linear).arms)
    return Runs(dict(zip(setting, lab.runs(list(setting.values()), 4), strict=True)))


@pytest.fixture
def X() -> torch.Tensor:
    return torch.randn(3, 5, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_minimum_norm_is_the_pseudoinverse(X):
    y = torch.randn(3, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    expected = np.stack([np.linalg.pinv(x) @ t for x, t in zip(X.numpy(), y.numpy(), strict=True)])
    np.testing.assert_allclose(minimum_norm(X, y).numpy(), expected, rtol=1e-12)


def test_off_row_span_is_the_projection_on_the_null_space(X):
    w = torch.randn(3, 4, 12, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    for path in (w, w[:, 0]):
        off = off_row_span(X, path)
        rows = torch.einsum("snd,s...d->sn...", X, off)
        assert rows.abs().max() < 1e-13
        projector = np.stack([np.eye(12) - np.linalg.pinv(x) @ x for x in X.numpy()])
        np.testing.assert_allclose(off.numpy(), np.einsum("sde,s...e->s...d", projector, path.numpy()), atol=1e-13)


def test_relative_distance():
    assert relative_distance(torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 4.0]])).tolist() == [0.75]


def test_interpolating_refuses_what_has_not_converged(lab):
    short = descent(loss=Square(), rule=GD(0.01), steps=3, watch=())
    with pytest.raises(
        Unfinished, match=r"not converged: \|Xw - y\| / \|y\| is .* after 3 steps; expected at most 1e-09"
    ):
        interpolating_weights(lab.run(short, 2))


def brute_force(run: Runs) -> tuple[np.ndarray, np.ndarray]:
    """I(F_t;Y) and I(F_t;Y) - I(F_t;Y|L), each from scikit-learn's mutual information of label lists."""
    F, L = run["net"].watched("test_classes").numpy(), run["linear"].watched("test_classes")[:, -1].numpy()
    Y = (run["net"].y_test > 0).numpy()
    information, correlation = np.zeros(F.shape[:2]), np.zeros(F.shape[:2])
    for s in range(F.shape[0]):
        for t in range(F.shape[1]):
            information[s, t] = mutual_info_score(F[s, t], Y[s]) / np.log(2)
            given = sum(
                (L[s] == v).mean() * mutual_info_score(F[s, t][L[s] == v], Y[s][L[s] == v]) / np.log(2)
                for v in (False, True)
                if (L[s] == v).any()
            )
            correlation[s, t] = information[s, t] - given
    return information, correlation


def test_linear_phase_against_brute_force(lab):
    run = arms(lab)
    phase = linear_phase(run)
    information, correlation = brute_force(run)
    np.testing.assert_allclose(phase.information.numpy(), information, atol=1e-12)
    np.testing.assert_allclose(phase.correlation.numpy(), correlation, atol=1e-12)

    L, Y = run["linear"].watched("test_classes")[:, -1].numpy(), (run["net"].y_test > 0).numpy()
    linear = [mutual_info_score(l, y) / np.log(2) for l, y in zip(L, Y, strict=True)]  # noqa: E741
    np.testing.assert_allclose(phase.linear.numpy(), linear, atol=1e-12)

    for s in range(4):
        reached = [t for t in range(information.shape[1]) if information[s, t] >= linear[s] - 1e-12]
        t0 = reached[0] if reached else information.shape[1] - 1
        assert int(phase.T0[s]) == t0
        shares = [
            correlation[s, t] / information[s, t] for t in range(t0 + 1) if information[s, t] >= FLOOR * linear[s]
        ]
        assert float(phase.least_share()[s]) == pytest.approx(min(shares), abs=1e-10)
        assert float(phase.share_at_T0()[s]) == pytest.approx(correlation[s, t0] / information[s, t0], abs=1e-10)


def table_of(points: list[tuple[int, int, int]]) -> torch.Tensor:
    table = torch.zeros(2, 2, 2, dtype=torch.float64)
    for f, l, y in points:  # noqa: E741
        table[f, l, y] += 1
    return table


def test_a_network_that_is_the_linear_classifier_is_explained_by_it_wholly():
    points = [(v, v, y) for v, y in [(0, 0), (0, 0), (0, 1), (1, 1), (1, 1), (1, 1), (1, 0), (0, 0)]]
    phase = LinearPhase((0, 1), torch.stack([table_of(points)] * 2)[None])
    assert phase.share_at_T0().tolist() == pytest.approx([1.0])
    assert 0 < float(phase.null_share_at_T0()[0]) < 1
    assert float(phase.advantage_at_T0()[0]) == pytest.approx(1 - float(phase.null_share_at_T0()[0]))


def test_the_null_model_is_not_beaten_by_a_classifier_that_errs_independently():
    # F and L right with probability 3/4, independently given Y: L is then exactly a null classifier.
    table = torch.zeros(2, 2, 2, dtype=torch.float64)
    for y in (0, 1):
        for f in (0, 1):
            for l in (0, 1):  # noqa: E741
                table[f, l, y] = (3 if f == y else 1) * (3 if l == y else 1)
    phase = LinearPhase((0, 1), torch.stack([table, table])[None])
    assert float(phase.advantage_at_T0()[0]) == pytest.approx(0, abs=1e-9)


def test_t0_that_is_never_reached_is_said():
    weak, strong = table_of([(0, 0, 0), (1, 1, 1), (0, 1, 1), (1, 0, 0)]), table_of([(0, 0, 0), (1, 1, 1)] * 2)
    phase = LinearPhase((0, 7), torch.stack([weak, weak])[None])
    with pytest.raises(Unfinished, match=r"T0 is not reached in 1 of 1 seeds: .* by step 7; expected I\(L;Y\) = 1.000"):
        phase.require_T0()
    LinearPhase((0, 7), torch.stack([weak, strong])[None]).require_T0()


def test_shared_points_are_resampled_and_a_seeds_own_points_are_not(lab):
    shared = resampled_linear_phase(arms(lab), LinearPhase.share_at_T0)
    assert isinstance(shared, Measured)
    assert shared.resampled.shape == (200, 4)
    assert torch.isfinite(shared.resampled).all()
    own = resampled_linear_phase(arms(lab, data=Halfspace(shared=False)), LinearPhase.share_at_T0)
    assert isinstance(own, torch.Tensor)


def test_a_share_above_1_is_refused(lab):
    def of_half(phase: LinearPhase) -> torch.Tensor:
        return 2 * phase.share_at_T0()

    with pytest.raises(ValueError, match=r"a share of 1\..*; expected at most 1, as mu <= min\(I\(F;Y\), I\(L;Y\)\)"):
        resampled_linear_phase(arms(lab), of_half)


def test_resamples_are_bootstrap_counts():
    weights = resamples(500)
    assert weights.shape == (200, 500)
    assert (weights.sum(1) == 500).all()
    assert float(weights.var()) == pytest.approx(1, abs=0.05)  # binomial(500, 1/500)
    assert torch.equal(weights, resamples(500))


def test_bootstrap_spread_matches_the_binomial_for_accuracy():
    right = torch.arange(1000) < 870
    spread = float((resamples(1000) @ right.double() / 1000).std())
    assert spread == pytest.approx((0.87 * 0.13 / 1000) ** 0.5, rel=0.15)
