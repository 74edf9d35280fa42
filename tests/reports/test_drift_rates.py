"""The rates that `reports.drift` promises, by simulation: false alarms, and nights until a lasting shift is seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reports.drift import ALLOWANCES, LIMITS, Pool, standardized, summed

NIGHTS, SEEDS = 400, 8
Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.standard_normal(shape)


def pool(values: np.ndarray) -> Pool:
    return Pool(values.shape[1], values.mean(1), values.var(1) * values.shape[1])


def noticed(
    cases: int,
    *,
    evidence: int,
    draw: Draw = normal,
    nights: int = NIGHTS,
    shift: float = 0.0,
    at: int = 0,
    seeds: tuple[int, ...] = (SEEDS,),
    learning: bool = True,
) -> np.ndarray:
    """The night of each case's first alarm, counted from the shift at night `at`; infinite where there is none."""
    rng = np.random.default_rng(evidence + nights + len(seeds))
    known = pool(draw(rng, (cases, evidence))) if evidence else Pool()
    sums, first = np.zeros((cases, 2, 2)), np.full(cases, np.inf)
    for night in range(nights):
        tonight = pool(draw(rng, (cases, seeds[night % len(seeds)])) + shift * (night >= at))
        if known.n:
            spread = known.sd > 0
            ruler = known if learning else Pool(10**9, known.mean, known.sd**2 * 1e9)
            with np.errstate(invalid="ignore", divide="ignore"):
                z = np.where(spread, standardized(tonight, ruler), 0.0)
            sums = summed(sums, z)
            first = np.minimum(first, np.where((sums >= LIMITS).any((1, 2)), night, np.inf))
        known = known.joined(tonight) if learning else known
    return first - at + 1


@pytest.mark.parametrize(("evidence", "seeds"), [(0, (8,)), (80, (8, 8, 16))])
def test_two_false_alarms_in_a_thousand_cases_over_400_nights(evidence: int, seeds: tuple[int, ...]) -> None:
    false = np.isfinite(noticed(6000, evidence=evidence, seeds=seeds)).mean()
    assert 0.001 <= false <= 0.004


@pytest.mark.parametrize(
    ("draw", "most"),
    [
        (lambda rng, shape: rng.exponential(size=shape), 0.03),
        (lambda rng, shape: (rng.uniform(size=shape) < 0.1).astype(float), 0.04),
        (lambda rng, shape: rng.lognormal(size=shape), 0.06),
        (lambda rng, shape: rng.uniform(size=shape), 0.01),
    ],
    ids=["exponential", "binary", "lognormal", "uniform"],
)
def test_false_alarms_of_values_that_are_not_normal(draw: Draw, most: float) -> None:
    assert np.isfinite(noticed(1000, evidence=80, draw=draw)).mean() <= most


@pytest.mark.parametrize(("evidence", "false"), [(80, 0.3), (24, 0.55)])
def test_a_mean_fixed_at_what_few_seeds_gave_would_raise_false_alarms(evidence: int, false: float) -> None:
    """Why each night is added to what is known: the error of the evidence is in every night alike."""
    found = np.isfinite(noticed(1000, evidence=evidence, learning=False)).mean()
    assert found == pytest.approx(false, abs=0.08)


@pytest.mark.parametrize(("shift", "mean", "within"), [(1.0, 4.5, 0.83), (2.0, 3.0, 1.0), (3.0, 3.0, 1.0)])
def test_a_lasting_shift_is_seen_within_nights(shift: float, mean: float, within: float) -> None:
    found = noticed(2000, evidence=80, nights=90, shift=shift, at=30)
    found = found[found > 0]  # the others are false alarms before it
    assert np.isfinite(found).all()
    assert found.mean() == pytest.approx(mean, abs=0.2)
    assert (found <= 5).mean() == pytest.approx(within, abs=0.04)


def test_with_16_seeds_a_night_all_are_seen_within_five() -> None:
    found = noticed(2000, evidence=80, nights=40, shift=1.0, at=20, seeds=(16,))
    assert (found[found > 0] <= 5).mean() > 0.99


def test_the_sums_of_small_shifts_alone_take_a_night_more() -> None:
    """k = .5 and h = 11 where mean and spread are known: 5.1 nights on average, two of three cases within five."""
    rng, up = np.random.default_rng(1), np.zeros(4000)
    first = np.full(4000, np.inf)
    for night in range(40):
        z = rng.standard_normal(4000) + (np.sqrt(SEEDS) if night >= 10 else 0)
        up = np.maximum(up + z - ALLOWANCES[0], 0)
        first = np.minimum(first, np.where(up >= LIMITS[0], night - 9, np.inf))
    assert first.mean() == pytest.approx(5.1, abs=0.15)
    assert (first <= 5).mean() == pytest.approx(0.67, abs=0.05)


def test_z_is_standard_normal_and_independent_however_little_is_known() -> None:
    rng = np.random.default_rng(7)
    known, z = pool(normal(rng, (60_000, 3))), []
    for _ in range(6):
        tonight = pool(normal(rng, (60_000, 4)))
        z.append(standardized(tonight, known))
        known = known.joined(tonight)
    quantiles = np.quantile(z, [0.01, 0.1, 0.5, 0.9, 0.99], axis=1)
    expected = np.array([[-2.326], [-1.282], [0], [1.282], [2.326]])
    assert np.abs(quantiles - expected).max() < 0.08
    assert np.abs(np.corrcoef(z) - np.eye(6)).max() < 0.02
