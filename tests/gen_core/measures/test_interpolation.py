"""The recursion in the row span against torch.optim on the weights."""

from __future__ import annotations

import pytest
import torch

from gen_core.measures import iterates_in_the_row_span


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_iterates_in_the_row_span_are_those_of_torch_optim(momentum, nesterov):
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(2, 5, 8, generator=generator, dtype=torch.float64)
    y = torch.randn(2, 5, generator=generator, dtype=torch.float64)
    steps = (0, 1, 4, 30)
    found = iterates_in_the_row_span(X, y, 0.05, steps, momentum=momentum, nesterov=nesterov)
    assert found.shape == (2, 4, 8)
    for seed in range(2):
        w = torch.zeros(8, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.05, momentum=momentum, nesterov=nesterov)
        for step in range(31):
            if step in steps:
                torch.testing.assert_close(found[seed, steps.index(step)], w.detach(), rtol=0, atol=1e-14)
            optimizer.zero_grad()
            ((X[seed] @ w - y[seed]).square().sum() / 10).backward()
            optimizer.step()
