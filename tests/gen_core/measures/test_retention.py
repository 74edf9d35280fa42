"""What is retained from T0 to the end, against scikit-learn's mutual information and closed forms."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from sklearn.metrics import accuracy_score, mutual_info_score

from fixtures.nakkiran.retention import poisoned, to_the_end
from gen_core import MLP, Arms, Runs, Unfinished
from gen_core.data.digits import Digits
from gen_core.lab import Lab, Store
from gen_core.measures import (
    LinearPhase,
    Measured,
    advantage_retained,
    held_out_accuracy,
    joint_table,
    linear_phase,
    measure_retention,
    share_at_the_end,
    share_retained,
)

SMALL = to_the_end(Digits(n=200), MLP(hidden=(32,)), rate=0.1, steps=1_500, batch=16)


def trained(folder, setting: Arms) -> Runs:
    arms = dict(setting.arms)
    return Runs(dict(zip(arms, Lab(Store(folder), torch.device("cpu")).runs(list(arms.values()), 3), strict=True)))


@pytest.fixture
def points() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    stream = torch.Generator().manual_seed(5)
    Y = torch.rand(20_000, generator=stream) < 0.5
    F, L = (Y ^ (torch.rand(20_000, generator=stream) < wrong) for wrong in (0.1, 0.2))
    return F, L, Y


def always(F: torch.Tensor, L: torch.Tensor, Y: torch.Tensor) -> LinearPhase:
    """A trajectory of one seed that is F all along."""
    return LinearPhase((0, 1), joint_table(F, L, Y).expand(1, 2, 2, 2, 2))


def test_along_a_run_against_scikit_learn(tmp_path):
    runs = trained(tmp_path, SMALL)
    end, share, accuracy = (measure_retention(runs, q) for q in (share_at_the_end, share_retained, held_out_accuracy))
    for measured in (end, share, accuracy):
        assert isinstance(measured, Measured)
        assert measured.resampled.shape == (200, 3)
    T0 = linear_phase(runs).T0.tolist()
    F, L = runs["net"].watched("test_classes").numpy(), runs["linear"].watched("test_classes")[:, -1].numpy()
    for s, (path, l, y) in enumerate(zip(F, L, (runs["net"].y_test > 0).numpy(), strict=True)):  # noqa: E741
        # mu = I(F;Y) + I(L;Y) - I(F,L;Y), by the chain rule.
        mu = [mutual_info_score(f, y) + mutual_info_score(l, y) - mutual_info_score(2 * f + l, y) for f in path]
        shares = [value / mutual_info_score(l, y) for value in mu]
        assert float(end.values[s]) == pytest.approx(shares[-1], abs=1e-9)
        assert float(share.values[s]) == pytest.approx(min(shares[T0[s] :]), abs=1e-9)
        assert float(accuracy.values[s]) == pytest.approx(min(accuracy_score(y, f) for f in path[T0[s] :]))


def test_what_is_lost_before_T0_does_not_count(points):
    _, L, Y = points
    tables = torch.stack([joint_table(f, L, Y) for f in (torch.ones_like(Y), L, Y)])[None]
    phase = LinearPhase((0, 1, 2), tables)
    assert phase.T0.tolist() == [1]
    assert float(share_retained(phase)) == pytest.approx(1)  # at L, and at Y, which knows all that L does
    backwards = LinearPhase((0, 1, 2), tables.flip(1))
    assert backwards.T0.tolist() == [0]
    assert float(share_retained(backwards)) == pytest.approx(0, abs=1e-12)
    assert float(held_out_accuracy(backwards)) == pytest.approx(float(Y.double().mean()))


def test_a_seed_is_measured_where_its_accuracy_came_to_1(tmp_path):
    net = trained(tmp_path, SMALL)["net"]
    assert (net.train_accuracy == 1).all()
    assert "3 by accuracy at step" in net.endings
    last = net.watched("test_classes")[:, -1]
    reached = [net.checkpoints.index(min(c for c in net.checkpoints if c >= s)) for s in net.result.arrays["step"]]
    for s, at in enumerate(reached):
        assert torch.equal(net.watched("test_classes")[s, at], last[s])


def test_a_network_that_has_not_fitted_is_not_measured(tmp_path):
    short = Arms(**{arm: replace(e, steps=5) if arm == "net" else e for arm, e in SMALL.arms})
    with pytest.raises(Unfinished, match=r"not fitted: training accuracy 0\.\d+ in the worst of 3 seeds after 5 steps"):
        measure_retention(trained(tmp_path, short), share_retained)


def test_a_poisoned_network_is_measured_at_its_end_though_it_never_comes_to_perform_as_the_linear_classifier(tmp_path):
    runs = trained(tmp_path, poisoned(Digits(n=300), 100, MLP(hidden=(32,)), rate=0.1, steps=200, batch=16))
    assert "3 by steps at step 200" in runs["net"].endings  # not where its accuracy is 1, which it starts with
    share, end = (measure_retention(runs, quantity) for quantity in (share_retained, share_at_the_end))
    assert isinstance(share, Measured)
    assert isinstance(end, Measured)
    assert torch.equal(share.values, end.values)
    with pytest.raises(Unfinished, match="T0 is not reached"):
        linear_phase(runs).require_T0()


def test_the_linear_classifier_itself_retains_all(points):
    _, L, Y = points
    assert float(share_retained(always(L, L, Y))) == pytest.approx(1.0)
    assert 0 < float(advantage_retained(always(L, L, Y))) < 1


def test_a_classifier_that_errs_independently_is_a_null_classifier(points):
    F, L, Y = points
    assert float(advantage_retained(always(F, L, Y))) == pytest.approx(0, abs=0.02)


def test_a_flip_of_every_prediction_is_seen_by_accuracy_alone(points):
    F, L, Y = points
    straight, flipped = always(F, L, Y), always(~F, L, Y)
    for quantity in (share_retained, share_at_the_end, advantage_retained):
        assert float(quantity(flipped)) == pytest.approx(float(quantity(straight)), abs=1e-12)
    accuracy = float((F == Y).double().mean())
    assert float(held_out_accuracy(straight)) == pytest.approx(accuracy)
    assert float(held_out_accuracy(flipped)) == pytest.approx(1 - accuracy)
