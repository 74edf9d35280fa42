"""Resamples are of the held-out points, and resamples of the seeds are refused."""

from __future__ import annotations

import pytest
import torch

from gen_core import InvalidClaim
from gen_core.measures import Measured

VALUES = torch.rand(8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_a_bootstrap_over_seeds_is_refused():
    over_seeds = VALUES[torch.randint(8, (200, 8), generator=torch.Generator().manual_seed(1))]
    with pytest.raises(InvalidClaim, match="every resample has the seeds' own values; expected resamples of the held-"):
        Measured(VALUES, over_seeds)


def test_few_values_may_come_again_on_other_points():
    few = (2 * VALUES).round() / 2
    Measured(few, few[torch.randint(8, (200, 8), generator=torch.Generator().manual_seed(1))])
    Measured(VALUES, VALUES + torch.linspace(-1, 1, 200)[:, None])
