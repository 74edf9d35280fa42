"""Fixtures of the tests of the lab."""

import pytest
import torch

from gen_core.lab import Event, Lab, Store, work

CPU = torch.device("cpu")


@pytest.fixture
def make(tmp_path):
    """Labs that share a store and write down their trainings."""

    def lab(events: list[Event] | None = None, **more):
        return Lab(Store(tmp_path / "store"), CPU, finished=[].append if events is None else events.append, **more)

    return lab


@pytest.fixture
def batches(monkeypatch):
    """The batches that the trainer is asked for: lists of rows, (experiment, seed) each."""
    asked: list[list] = []
    train = work.train_rows
    monkeypatch.setattr(work, "train_rows", lambda rows, *rest: asked.append(rows) or train(rows, *rest))
    return asked
