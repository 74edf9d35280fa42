"""Families of which some networks have not come to the common loss: named, or left out by a stated share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from fixtures.puzzles.families import by_scale, dense_net, for_steps
from gen_core import InvalidExperiment, Runs, Stop, Unfinished
from gen_core.data.digits import Digits
from gen_core.lab import Lab, Store
from gen_core.measures import (
    held_out_errors,
    late_in_words,
    loss_ordering,
    norm_products,
    of_those_that_stopped,
    reached_stop,
    require_stopped,
    train_losses,
)

GAINS = (0.7, 1.0, 2.0, 3.0, 4.0)
SEEDS = 6


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    lab = Lab(Store(tmp_path_factory.mktemp("store")), torch.device("cpu"))
    sweep = for_steps(by_scale(Digits(n=60, n_test=50, task="ten_classes"), dense_net(16), 0.02, GAINS), 20)
    return Runs({f"gain={gain:g}": lab.run(point, SEEDS) for gain, point in sweep.points}, GAINS)


def to(loss: float, runs: Runs) -> Runs:
    """The same networks, as if they had been to stop at a loss."""
    stop = Stop(loss=loss)
    return replace(
        runs,
        runs={name: replace(run, experiment=replace(run.experiment, stop=stop)) for name, run in runs.runs.items()},
    )


@pytest.fixture
def some(trained):
    """A loss that five of the thirty networks have not come to."""
    losses = torch.stack([run.train_loss for run in trained]).flatten().sort().values
    return to(float(losses[-6:-4].mean()), trained)


def test_networks_are_told_with_their_losses_and_seeds(some, trained):
    losses = torch.stack([run.train_loss for run in some])
    limit = next(iter(some)).experiment.stop.loss
    assert reached_stop(some).tolist() == (losses <= limit).tolist()
    assert int((~reached_stop(some)).sum()) == 5
    arm, seed = divmod(int(losses.argmax()), SEEDS)
    words = late_in_words(some)
    assert words.startswith(f"gain={GAINS[arm]:g} at {float(losses.max()):.3g} (seed {seed}), ")
    assert words.endswith(" and 1 more")
    with pytest.raises(Unfinished) as caught:
        require_stopped(some)
    expected = f"expected at most {limit:g}, the loss at which all networks stop (more steps)"
    assert str(caught.value) == f"training loss of {words} after 20 steps; {expected}"
    assert late_in_words(trained) == ""
    require_stopped(trained)


def test_a_loss_that_is_no_number_has_not_come(trained):
    run = trained.runs["gain=1"]
    arrays = {**run.result.arrays, "train_loss": torch.full((SEEDS,), torch.nan)}
    broken = replace(run, result=replace(run.result, arrays=arrays))
    assert not reached_stop(to(1.0, Runs({"a": broken}))).any()


def test_each_seed_leaves_out_its_own_as_scipy_has_it(some, trained):
    found = of_those_that_stopped(some, loss_ordering, share=0.4)
    came = reached_stop(some)
    losses, errors = train_losses(trained, norm_products(trained)), held_out_errors(trained).mean(-1)
    for seed in range(SEEDS):
        kept = came[:, seed]
        constant = len(errors[kept, seed].unique()) == 1  # two networks, of one error: no order
        by_hand = 0.0 if constant else float(np.asarray(spearmanr(losses[kept, seed], errors[kept, seed]))[0])
        assert float(found.values[seed]) == pytest.approx(by_hand, abs=1e-12)
    assert found.resampled.shape == (200, SEEDS)
    whole = loss_ordering(trained)
    complete = came.all(0)
    assert 0 < int(complete.sum()) < SEEDS
    assert torch.equal(found.resampled[:, complete], whole.resampled[:, complete])
    assert not torch.equal(found.resampled[:, ~complete], whole.resampled[:, ~complete])


def test_a_measure_sees_the_networks_that_came_with_their_axis(some):
    seen = {}

    def measure(family: Runs) -> torch.Tensor:
        for seed in family.seeds:
            seen[seed] = (tuple(family.runs), family.x)
        return torch.tensor([10.0 * seed + len(family) for seed in family.seeds])

    values = of_those_that_stopped(some, measure, share=0.4)
    came = reached_stop(some)
    assert values.tolist() == [10.0 * seed + int(came[:, seed].sum()) for seed in range(SEEDS)]
    for seed, (names, x) in seen.items():
        assert x == tuple(gain for gain, kept in zip(GAINS, came[:, seed].tolist(), strict=True) if kept)
        assert names == tuple(f"gain={gain:g}" for gain in x)


def test_all_networks_are_measured_at_once_where_all_came(trained):
    assert torch.equal(
        of_those_that_stopped(trained, loss_ordering, share=1.0).resampled, loss_ordering(trained).resampled
    )


@pytest.mark.parametrize(
    ("share", "needed", "expected"),
    [
        (1.0, (), "expected 5 of 5 networks in every seed to reach the loss of their Stop (more steps)"),
        (0.9, (), "expected 5 of 5 networks in every seed to reach"),
        (0.2, ("gain=4",), "expected 1 of 5 networks in every seed, and gain=4, to reach the loss of their Stop"),
    ],
)
def test_fewer_than_the_share_is_unfinished_and_says_which(trained, share, needed, expected):
    losses = trained.runs["gain=4"].train_loss
    family = to(float(losses.sort().values[-2:].mean()), trained)
    assert not reached_stop(family)[-1].all()
    with pytest.raises(Unfinished) as caught:
        of_those_that_stopped(family, loss_ordering, share, needed)
    assert str(caught.value).startswith(f"training ended for {late_in_words(family)}; ")
    assert f"gain=4 at {float(losses.max()):.3g} (seed " in str(caught.value)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.0, 1.1, None])
def test_a_share_is_a_number_above_0_and_at_most_1(trained, share):
    with pytest.raises(InvalidExperiment, match=r"share .*; expected a finite number"):
        of_those_that_stopped(trained, loss_ordering, share)
