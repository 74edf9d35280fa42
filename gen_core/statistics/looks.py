"""Looks: the numbers of seeds at which a claim is judged, and those that a decision takes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import special, stats

from gen_core.defaults import LAST_LOOK, LAST_LOOK_AT_SHARE
from gen_core.statistics.arguments import check_level, check_share


def seeds_needed(headroom: float | None, *, level: float, power: float = 0.9, most: int = 100_000) -> int | None:
    """Smallest number of seeds at which a judgement by Student's t is decisive with the given power.

    The error from shared test points does not shrink with seeds and is left out.

    Args:
        headroom: true distance from the limit in standard deviations of one seed, of either sign.
        level: chance that one bound is wrong at this judgement, in (0, 0.5).
        power: chance of a decision, in (0, 1).
        most: largest number of seeds to consider.

    Returns:
        The number of seeds, at least 2; None if the headroom is None or 0, or if `most` seeds are not enough.

    Raises:
        ValueError: for a headroom that is not finite, or a level or power out of range.
    """
    check_level(level)
    if not 0 < power < 1:
        raise ValueError(f"power {power}; expected a number in (0, 1)")
    if headroom is None or headroom == 0:
        return None
    if not math.isfinite(headroom):
        raise ValueError(f"headroom {headroom}; expected a finite number")

    distance = abs(headroom)
    return _smallest(lambda n: _t_power(distance, n, level) >= power, 2, most)


def seeds_needed_for_share(
    observed: float, demanded: float, *, level: float, power: float = 0.9, most: int = 100_000
) -> int | None:
    """Smallest number of seeds at which a share of seeds is decided with the given power, if `observed` is the truth.

    Args:
        observed: true share of the seeds that meet the statement, in [0, 1].
        demanded: required share, in (0, 1); 0.5 for a median.
        level: chance that one bound is wrong at this judgement, in (0, 0.5).
        power: chance of a decision, in (0, 1).
        most: largest number of seeds to consider.

    Returns:
        The number of seeds; None if the two shares are equal, or if `most` seeds are not enough.

    Raises:
        ValueError: for a share, level or power out of range.
    """
    check_level(level)
    check_share(demanded)
    if not 0 <= observed <= 1:
        raise ValueError(f"observed share {observed:g}; expected a number in [0, 1]")
    if not 0 < power < 1:
        raise ValueError(f"power {power}; expected a number in (0, 1)")
    if observed == demanded:
        return None
    if observed < demanded:
        observed, demanded = 1 - observed, 1 - demanded

    def decides(n: int) -> bool:
        return bool(stats.binom.sf(stats.binom.isf(level, n, demanded), n, observed) >= power)

    return _smallest(decides, least_seeds(demanded, level=level), most)


def least_seeds(share: float, *, level: float) -> int:
    """Smallest number of seeds at which a share can be shown to be at least `share`: all of them meet the statement.

    That it is less than `share` can be shown from `least_seeds(1 - share)` on, where none does.

    Raises:
        ValueError: for a share or level out of range.
    """
    check_level(level)
    check_share(share)
    n = max(1, math.floor(math.log(level) / math.log(share)))
    return n if share**n <= level else n + 1


def deciding_headroom(n: int, *, level: float) -> float:
    """Headroom in standard deviations of one seed at which n seeds give an interval that just ends at the limit.

    Raises:
        ValueError: for fewer than 2 seeds, or a level out of range.
    """
    check_level(level)
    if n < 2:
        raise ValueError(f"{n} seed; expected at least 2 for an interval of the mean")
    return float(stats.t.isf(level, n - 1)) / math.sqrt(n)


def spend(level: float, looks: int) -> float:
    """A look's share of a claim's level, equal for all looks (Bonferroni). Raises ValueError for one out of range."""
    check_level(level)
    if looks < 1:
        raise ValueError(f"{looks} looks; expected at least 1")
    return level / looks


def looks(first: int, most: int = LAST_LOOK) -> tuple[int, ...]:
    """Numbers of seeds at which a mean is judged: first, 2 first, 4 first, ... up to 64 and at most `most`.

    If even the first look exceeds `most`, there is a single look, at `most`.

    Raises:
        ValueError: if `first` is not in 1..64 or `most` is not positive.
    """
    if not 1 <= first <= LAST_LOOK:
        raise ValueError(f"first look at {first} seeds; expected 1 to {LAST_LOOK}")
    if most < 1:
        raise ValueError(f"at most {most} seeds; expected a positive number")
    doubled = (first * 2**k for k in range(LAST_LOOK.bit_length()))
    return tuple(n for n in doubled if n <= min(most, LAST_LOOK)) or (most,)


def looks_at_share(
    share: float, *, level: float, first: int = 8, most: int = LAST_LOOK_AT_SHARE, holds: bool = True
) -> tuple[int, ...]:
    """Numbers of seeds at which a share of seeds is judged: those at which the expected verdict is possible.

    They are powers of two from 8 on, up to `most`, after the smallest number that can decide at its share of the level.

    Args:
        share: required share, in (0, 1); 0.5 for a median.
        level: chance of a wrong verdict per side over all looks.
        first: smallest number of seeds at the first look.
        most: largest number of seeds.
        holds: whether HOLDS is expected; REFUTED otherwise, as of a control.

    Returns:
        The looks; () if neither verdict, or only one of them, is possible with `most` seeds in a single look.

    Raises:
        ValueError: for a share or level out of range.
    """
    if max(least_seeds(share, level=level), least_seeds(1 - share, level=level)) > most:
        return ()
    side = share if holds else 1 - share
    doubled = [n for n in (2**k for k in range(3, most.bit_length())) if n <= most]
    for rest in (doubled[k:] for k in range(len(doubled) + 1)):
        found = _from(first, side, level, most, rest)
        if found and all(least_seeds(each, level=level / len(found)) <= found[-1] for each in (share, 1 - share)):
            return found
    return (most,)


def _from(first: int, side: float, level: float, most: int, rest: list[int]) -> tuple[int, ...]:
    """A first look of its own and then `rest`, or `rest` alone, if its first look can decide; else ()."""
    start = max(first, least_seeds(side, level=level / (1 + len(rest))))
    # A look close before the next one spends a share of the level for little.
    if start <= (0.75 * rest[0] if rest else most):
        return (start, *rest)
    if rest and rest[0] >= max(first, least_seeds(side, level=level / len(rest))):
        return tuple(rest)
    return ()


def _smallest(enough: Callable[[int], bool], least: int, most: int) -> int | None:
    """Smallest n from `least` to `most` that is enough, if it stays so; found by doubling and halving."""
    low, high = least - 1, least
    while high <= most and not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high if high <= most else None


def _t_power(headroom: float, n: int, level: float) -> float:
    """Power of the one-sided t test: E over normal Z of P(chi^2_{n-1} < (n-1) ((Z + headroom sqrt(n)) / t)^2)."""
    # scipy's noncentral t gives up at the noncentralities that settings with much headroom have (1e5 and more).
    z = np.linspace(-9, 9, 4001)
    with np.errstate(over="ignore"):
        square = np.square(np.maximum(z + headroom * math.sqrt(n), 0) / stats.t.isf(level, n - 1))
        return float(stats.norm.pdf(z) @ special.chdtr(n - 1, (n - 1) * square)) * (z[1] - z[0])
