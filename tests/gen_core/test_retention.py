"""What is retained at the end, against scikit-learn's mutual information and closed forms."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from sklearn.metrics import accuracy_score, mutual_info_score

from fixtures.digits import Digits
from fixtures.retention import to_the_end
from gen_core import MLP, Arms, Runs, Unfinished
from gen_core.information import joint_table
from gen_core.lab import Lab
from gen_core.measures import Measured
from gen_core.retention import advantage_retained, held_out_accuracy, once_fitted, share_retained
from gen_core.store import Store

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


def test_at_the_end_of_a_run_against_scikit_learn(tmp_path):
    runs = trained(tmp_path, SMALL)
    share, accuracy = (once_fitted(runs, quantity) for quantity in (share_retained, held_out_accuracy))
    assert isinstance(share, Measured)
    assert isinstance(accuracy, Measured)
    assert share.resampled.shape == (200, 3)
    F, L = (runs[arm].watched("test_classes")[:, -1].numpy() for arm in ("net", "linear"))
    for s, (f, l, y) in enumerate(zip(F, L, (runs["net"].y_test > 0).numpy(), strict=True)):  # noqa: E741
        pair = 2 * f.astype(int) + l
        # mu = I(F;Y) + I(L;Y) - I(F,L;Y), by the chain rule.
        mu = mutual_info_score(f, y) + mutual_info_score(l, y) - mutual_info_score(pair, y)
        assert float(share.values[s]) == pytest.approx(mu / mutual_info_score(l, y), abs=1e-9)
        assert float(accuracy.values[s]) == pytest.approx(accuracy_score(y, f))


def test_a_seed_is_measured_where_its_accuracy_came_to_1(tmp_path):
    net = trained(tmp_path, SMALL)["net"]
    assert (net.train_accuracy == 1).all()
    assert "3 by accuracy at step" in net.endings
    last = net.watched("test_classes")[:, -1]
    reached = [net.checkpoints.index(min(c for c in net.checkpoints if c >= s)) for s in net.trained.arrays["step"]]
    for s, at in enumerate(reached):
        assert torch.equal(net.watched("test_classes")[s, at], last[s])


def test_a_network_that_has_not_fitted_is_not_measured(tmp_path):
    short = Arms(**{arm: replace(e, steps=5) if arm == "net" else e for arm, e in SMALL.arms})
    with pytest.raises(Unfinished, match=r"not fitted: training accuracy 0\.\d+ in the worst of 3 seeds after 5 steps"):
        once_fitted(trained(tmp_path, short), share_retained)


def test_the_linear_classifier_itself_retains_all(points):
    _, L, Y = points
    assert float(share_retained(joint_table(L, L, Y))) == pytest.approx(1.0)
    assert 0 < float(advantage_retained(joint_table(L, L, Y))) < 1


def test_a_classifier_that_errs_independently_is_a_null_classifier(points):
    F, L, Y = points
    assert float(advantage_retained(joint_table(F, L, Y))) == pytest.approx(0, abs=0.02)


def test_a_flip_of_every_prediction_is_seen_by_accuracy_alone(points):
    F, L, Y = points
    straight, flipped = joint_table(F, L, Y), joint_table(~F, L, Y)
    for quantity in (share_retained, advantage_retained):
        assert float(quantity(flipped)) == pytest.approx(float(quantity(straight)), abs=1e-12)
    accuracy = float((F == Y).double().mean())
    assert float(held_out_accuracy(straight)) == pytest.approx(accuracy)
    assert float(held_out_accuracy(flipped)) == pytest.approx(1 - accuracy)
