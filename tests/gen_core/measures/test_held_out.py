"""Resamples are of the held-out points, resamples of the seeds are refused, and accuracies are counted."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fixtures.li_liang.mixtures import learning
from gen_core import Every, InvalidClaim, Run, Unfinished
from gen_core.lab import Lab, Store
from gen_core.measures import Measured, error_over_steps, final_accuracy, resamples, steps_to_accuracy

VALUES = torch.rand(8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_a_bootstrap_over_seeds_is_refused():
    over_seeds = VALUES[torch.randint(8, (200, 8), generator=torch.Generator().manual_seed(1))]
    with pytest.raises(InvalidClaim, match="every resample has the seeds' own values; expected resamples of the held-"):
        Measured(VALUES, over_seeds)


def test_few_values_may_come_again_on_other_points():
    few = (2 * VALUES).round() / 2
    Measured(few, few[torch.randint(8, (200, 8), generator=torch.Generator().manual_seed(1))])
    Measured(VALUES, VALUES + torch.linspace(-1, 1, 200)[:, None])


@pytest.fixture
def run(tmp_path) -> Run:
    mixture = learning(200, n=60, d=30, steps=30, n_test=50, watch=("test_classes",))
    return Lab(Store(tmp_path), torch.device("cpu")).run(replace(mixture, checkpoints=Every(3)), 4)


def test_steps_to_an_accuracy_against_a_loop(run):
    classes, y = run.watched("test_classes").tolist(), run.y_test.tolist()
    shares = [[sum(p == t for p, t in zip(at, y[seed], strict=True)) / 50 for at in classes[seed]] for seed in range(4)]
    first = [next(3 * place for place, share in enumerate(each) if share >= 0.6) for each in shares]
    assert len(set(first)) > 1
    assert steps_to_accuracy(run, 0.6).tolist() == first
    assert final_accuracy(run).tolist() == pytest.approx([each[-1] for each in shares])


def test_the_error_over_steps_is_the_mean_of_all_that_is_wrong(run):
    classes, y = run.watched("test_classes").tolist(), run.y_test.tolist()
    wrong = [[p != t for at in classes[seed] for p, t in zip(at, y[seed], strict=True)] for seed in range(4)]
    assert error_over_steps(run).tolist() == pytest.approx([sum(each) / len(each) for each in wrong])


def test_an_accuracy_that_is_never_reached_is_unfinished(run):
    with pytest.raises(Unfinished, match="the condition is met in "):
        steps_to_accuracy(run, 1.01)


def test_shared_held_out_points_are_resampled(run, monkeypatch):
    counts = resamples(50)
    right = torch.stack([torch.arange(50) < 5 * at for at in range(11)])
    everywhere = right.expand(4, -1, -1).long()
    monkeypatch.setattr(Run, "watched", lambda *_: everywhere)
    monkeypatch.setattr(Run, "y_test", property(lambda _: torch.ones(4, 50, dtype=torch.int64)))
    found = steps_to_accuracy.__wrapped__(run, 0.5)
    assert found.values.tolist() == [15] * 4
    for resample in (0, 7):
        accuracies = [float(counts[resample][: 5 * at].sum()) / 50 for at in range(11)]
        first = next(3 * at for at, accuracy in enumerate(accuracies) if accuracy >= 0.5)
        assert found.resampled[resample].tolist() == [first] * 4
    everywhere = everywhere[:, :6].repeat(1, 2, 1)[:, :11]
    with pytest.raises(Unfinished, match=r"accuracy 0.5 is not reached in some resamples; expected it in all"):
        steps_to_accuracy.__wrapped__(run, 0.5)
