"""A search for a counterexample to Theorem 1 of Nakkiran et al. (2019): none inside its bounds, one beyond them.

The theorem is asymptotic and holds with high probability. The slack that stands for this: at n points a standard
deviation of the limit of w(1) is at most 1/sqrt(n) inside the bounds, and eps is at least 7 of them, one of which
covers w0(1) >= -sqrt(n); the chance that a sample falls short by the rest is 1e-9, and a search looks at 300.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from fixtures.data.synthetic import SparseNoise
from gen_core.models.sparse import sgd_limit

D = 2**53
DEVIATIONS = 7
SEARCH = settings(
    deadline=None, max_examples=300, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)


@dataclass(frozen=True)
class Start:
    """What the theorem quantifies over, and a seed for the sample and for w0 off the edge."""

    n: int
    p: float
    eps: float
    first: float
    inside: tuple[float, ...]
    seed: int

    @property
    def edge(self) -> float:
        return 1 - 2 * self.p - self.eps

    def accuracy(self) -> float:
        """Population accuracy of SGD's limit, up to n/2d."""
        generator = torch.Generator().manual_seed(self.seed)
        data = SparseNoise(n=self.n, d=D, p=self.p).draw(generator)
        # w0 off and on the sample takes the same values, as parts of the edge; independent of eta and y.
        levels = torch.tensor(self.inside, dtype=torch.float64) * self.edge
        w0 = levels[torch.randint(len(levels), (self.n,), generator=generator)]
        w1 = float(sgd_limit(self.first, data.X[:, 0], data.y, w0))
        smaller = float((levels.abs() < abs(w1)).double().mean())
        return 0.5 + (0.5 - self.p) * math.copysign(smaller, w1)

    def breaks_the_theorem(self) -> bool:
        return abs(self.accuracy() - (1 - self.p)) > self.n / D + 1e-12


@st.composite
def starts(draw, *, beyond: bool = False) -> Start:
    """Starts inside the theorem's bounds, most of them at the edge; with `beyond` w0(k) reaches 1 - 2p + eps."""
    n = draw(st.integers(400, 3200))
    least = DEVIATIONS / math.sqrt(n)
    p = draw(st.floats(0, (1 - least) / 2))
    eps = draw(st.floats(least, 1 - 2 * p)) if least < 1 - 2 * p else 1 - 2 * p
    first = draw(st.floats(-math.sqrt(n), math.sqrt(n)))
    inside = tuple(draw(st.lists(st.sampled_from((-1.0, 1.0)) | st.floats(-1, 1), min_size=1, max_size=4)))
    return Start(n, p, -eps if beyond else eps, first, inside, draw(st.integers(0, 2**32)))


@SEARCH
@given(starts())
def test_no_start_inside_the_bounds_is_a_counterexample(start):
    assert not start.breaks_the_theorem()


def test_the_search_finds_and_shrinks_one_beyond_the_bounds():
    found = find(starts(beyond=True), Start.breaks_the_theorem, settings=SEARCH)
    assert found.breaks_the_theorem()
    assert (found.n, found.p, found.seed) == (400, 0, 0)  # the simplest there is: no noise, fewest points
    assert abs(found.edge) > 1 - 2 * found.p


def test_a_failing_search_says_what_broke():
    @SEARCH
    @given(starts(beyond=True))
    def inner(start):
        assert not start.breaks_the_theorem()

    with pytest.raises(AssertionError):
        inner()


def test_the_lowest_first_weight_of_the_theorem_is_a_counterexample_at_any_size_that_runs():
    at_n = {n: Start(n, 0.1, 0.8, -(float(n) ** 0.99), (0.0,), 0).accuracy() for n in (400, 10**5)}
    assert at_n == pytest.approx({400: 0.1, 10**5: 0.1})
