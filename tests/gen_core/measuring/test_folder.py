"""Kept values are listed with their trainings, and go with them."""

from __future__ import annotations

import os
import time

import torch

from gen_core.lab import Lab, Store
from gen_core.measuring import measure
from gen_core.measuring.folder import Folder, remove_values
from gen_core.run import Run
from tests.toy import clean, noisy

DAY = 24 * 3600.0


@measure
def size(run: Run) -> torch.Tensor:
    return run.train_loss


def of_measures(store):
    """Values that name trainings, as what is kept of draws does not."""
    return [value for value in Folder(store).values() if value.trainings]


def test_a_value_names_its_trainings(tmp_path):
    lab = Lab(Store(tmp_path), torch.device("cpu"), keeps_measures=True)
    size(lab.run(clean, 8))
    keys = lab.keys(clean, 8)
    found = of_measures(tmp_path)
    assert sorted(map(sorted, (value.trainings for value in found))) == sorted([key] for key in keys)
    assert all(value.size == value.path.stat().st_size for value in found)
    whole = Folder(tmp_path).values()
    found[0].path.write_bytes(b"~" * 90)
    assert len(found) == 2
    assert len(Folder(tmp_path).values()) == len(whole)
    assert len(of_measures(tmp_path)) == 1


def test_old_values_are_pruned_with_old_trainings(tmp_path):
    store = Store(tmp_path)
    lab = Lab(store, torch.device("cpu"), keeps_measures=True)
    for one in (clean, noisy):
        size(lab.run(one, 4))
    old = time.time() - 3 * DAY
    for value in Folder(tmp_path).values():
        os.utime(value.path, (old, old))
    size(Lab(store, torch.device("cpu"), keeps_measures=True).run(clean, 4))  # used again
    store.prune(2)
    (left,) = of_measures(tmp_path)
    assert left.trainings == {*lab.keys(clean, 4)}


def test_removal_counts_what_is_there(tmp_path):
    size(Lab(Store(tmp_path), torch.device("cpu"), keeps_measures=True).run(clean, 8))
    values = Folder(tmp_path).values()
    values[0].path.unlink()
    assert remove_values(values) == (len(values) - 1, sum(value.size for value in values[1:]))
    assert not Folder(tmp_path).values()
