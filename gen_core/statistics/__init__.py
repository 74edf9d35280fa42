"""Statistics: from one number per seed to a verdict with guaranteed error rates.

Every interval has two one-sided bounds, each on the wrong side of the truth with probability at most `level`. A claim
is judged at several looks, each with its share of the claim's level (`spend`). By the union bound a true claim is then
refuted, and a false one held, with at most that probability per side.
"""

from gen_core.statistics.intervals import (
    Interval,
    headroom,
    mean_interval,
    median_interval,
    proportion_interval,
    ties,
    verdict,
    widened,
    worst_case,
)
from gen_core.statistics.looks import (
    LAST_LOOK,
    LAST_LOOK_AT_SHARE,
    deciding_headroom,
    least_seeds,
    looks,
    looks_at_share,
    seeds_needed,
    seeds_needed_for_share,
    spend,
)
from gen_core.statistics.resampled import mean_over_seeds, median_over_seeds, share_of_seeds, worst_over_seeds
from gen_core.statistics.scales import SCALES, Scale
from gen_core.statistics.sweeps import exponents, trends

__all__ = [
    "LAST_LOOK",
    "LAST_LOOK_AT_SHARE",
    "SCALES",
    "Interval",
    "Scale",
    "deciding_headroom",
    "exponents",
    "headroom",
    "least_seeds",
    "looks",
    "looks_at_share",
    "mean_interval",
    "mean_over_seeds",
    "median_interval",
    "median_over_seeds",
    "proportion_interval",
    "seeds_needed",
    "seeds_needed_for_share",
    "share_of_seeds",
    "spend",
    "ties",
    "trends",
    "verdict",
    "widened",
    "worst_case",
    "worst_over_seeds",
]
