"""Two processes on one card: each training once, as on the CPU; none but those that train have a part of the card."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gen_core import GD, SGD, LabelledBy
from gen_core.lab import Lab, Store
from gen_core.training import order, slots
from gen_core.training.draws import sample_data
from gen_core.training.memory import memory_of
from gen_core.training.trainer import train_rows
from tests.gen_core.training.test_memory import CASES
from tests.trainings import NET, Points

ROOT = Path(__file__).parents[2]
CUDA = torch.device("cuda")
EXPERIMENTS = [replace(NET, rule=SGD(rate, 16), steps=2000) for rate in (0.02, 0.05, 0.1)]
EXPERIMENTS += [replace(NET, rule=GD(0.1), data=LabelledBy(Points(), EXPERIMENTS[0]), steps=500)]
FACTOR = 2
"""Of estimated memory."""

SMALL = 2 * 2**20
"""Bytes of a segment of torch's for small tensors: the places of sampled entries, say, are kept from use to use."""


def compute(folder: str, asked: list[int]) -> None:
    """Ask for some trainings; write down what this process trained, and what it left on the card."""
    trained: list[str] = []
    lab = Lab(Store(Path(folder) / "store"), CUDA, finished=lambda event: trained.append(event.key))
    lab.plan(("case", experiment, 8) for experiment in EXPERIMENTS)
    for i in asked:
        lab.run(EXPERIMENTS[i], 8)
    began = torch.cuda.is_initialized()
    left = torch.cuda.memory_reserved() if began else 0
    told = {"trained": trained, "began": began, "left": left}
    (Path(folder) / f"{os.getpid()}.json").write_text(json.dumps(told))


def processes(folder: Path, *asked: list[int]) -> list[dict]:
    code = "import tests.gpu.test_slots as t; t.compute({!r}, {})"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    running = [
        subprocess.Popen([sys.executable, "-c", code.format(str(folder), each)], env=environment) for each in asked
    ]
    assert [one.wait(timeout=600) for one in running] == [0] * len(running)
    return [json.loads((folder / f"{one.pid}.json").read_text()) for one in running]


def test_processes_on_one_card_train_each_block_once_as_the_cpu_does(tmp_path):
    told = processes(tmp_path, [3, 0, 1], [2, 1, 3], [0, 3, 2])
    counts = Counter(key for one in told for key in one["trained"])
    assert set(counts.values()) == {1}
    assert len(counts) == 2 * len(EXPERIMENTS)
    assert max(one["left"] for one in told) <= SMALL
    again = processes(tmp_path, [0, 1, 2, 3])
    assert again == [{"trained": [], "began": False, "left": 0}]
    stored, own = Lab(Store(tmp_path / "store"), CUDA), Lab(Store(tmp_path / "cpu"), torch.device("cpu"))
    for experiment in EXPERIMENTS:
        found, expected = stored.run(experiment, 8), own.run(experiment, 8)
        torch.testing.assert_close(found.train_loss, expected.train_loss, rtol=1e-6, atol=1e-9)
        torch.testing.assert_close(found.weights("W1"), expected.weights("W1"), rtol=1e-6, atol=1e-6)
    assert not stored.made


def test_a_slot_gives_back_what_was_computed_in_it(tmp_path, monkeypatch):
    monkeypatch.setattr(slots, "lock_folder", lambda: tmp_path)
    slots.of_visible_cards.cache_clear()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_reserved()
    with slots.slot_on(CUDA) as device:
        assert device is not None
        assert torch.zeros(2**26, device=device).device == device == torch.zeros(1, device="cuda").device
        assert len(list(tmp_path.glob(f"gpu-{torch.cuda.get_device_properties(device).uuid}.*.lock"))) >= 1
    assert torch.cuda.memory_reserved() <= before
    slots.of_visible_cards.cache_clear()


@pytest.mark.parametrize("name", CASES)
def test_the_estimate_of_memory_is_within_a_factor_of_the_peak(name, monkeypatch):
    monkeypatch.setattr(order, "ON_A_GPU", 1)  # what is gathered ahead there is 16 MiB, whatever the number of rows
    experiment = CASES[name]
    device = torch.device("cuda", 0)

    def peak(seeds: int) -> int:
        rows = [(experiment, seed) for seed in range(seeds)]
        for row in rows:
            sample_data(*row)
        torch.cuda.reset_peak_memory_stats()
        list(train_rows(rows, device))
        return torch.cuda.max_memory_allocated()

    peak(1)
    measured, estimated = (peak(6) - peak(2)) / 4, memory_of(experiment, "cuda").seed
    assert measured / FACTOR <= estimated <= FACTOR * measured
