"""Measures in a slot of a card agree with those on the CPU."""

from __future__ import annotations

import pytest
import torch

from gen_core.measures import kernels
from gen_core.training import parts, slots
from tests.gen_core.measures.test_on_a_device import MEASURED, run_of


@pytest.mark.parametrize("name", MEASURED)
def test_what_is_heavy_has_on_a_card_the_values_of_the_cpu(name, monkeypatch, tmp_path):
    experiment, measure, _ = MEASURED[name]
    run = run_of(experiment)
    kernels._gap.cache_clear()
    expected = measure(run)
    monkeypatch.setattr(slots, "lock_folder", lambda: tmp_path)
    monkeypatch.setattr(parts, "HEAVY", 0)
    slots.of_visible_cards.cache_clear()
    slots.provide_device(torch.device("cuda"))
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    try:
        kernels._gap.cache_clear()
        found = measure(run)
    finally:
        slots.provide_device(torch.device("cpu"))
        slots.of_visible_cards.cache_clear()
        kernels._gap.cache_clear()
    assert torch.cuda.max_memory_allocated() > before
    assert found.device.type == "cpu"
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
