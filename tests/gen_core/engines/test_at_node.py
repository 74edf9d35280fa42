"""What a node does with the units of one task, in this process."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
import torch

from gen_core import GD, MLP
from gen_core.engines import at_node
from gen_core.engines.asking import Asking
from gen_core.engines.at_node import train_units
from gen_core.engines.folder import EngineFolder
from gen_core.engines.parcels import unpacked
from gen_core.lab import Lab, Store
from gen_core.lab.work import train_apart
from tests.gen_core.engines.conftest import CPU, ROOT
from tests.trainings import NET

SEEDS = 4
TINY = [replace(NET, rule=GD(0.1), model=MLP((width,))) for width in (3, 4, 5)]


def asked(tmp_path):
    """The units of some experiments that no batch shares, as a task has them, by the keys of their blocks."""
    lab = Lab(Store(tmp_path / "nothing"), CPU)
    lab.plan(("case", each, SEEDS) for each in TINY)
    units = Asking(EngineFolder(tmp_path / "engine"), lab, ROOT).units()
    assert [len(unit.keys) for unit in units] == [1, 1, 1]
    return {unit.keys[0]: (unit.payload, unit.data) for unit in units}


@pytest.fixture
def alone(tmp_path):
    lab = Lab(Store(tmp_path / "alone"), CPU)
    for each in TINY:
        lab.run(each, SEEDS)
    return lab.store


def raising_for(key):
    """`train_apart`, but for one block it raises what is no training's."""

    def train(blocks, *others):
        if blocks[0].key == key:
            raise MemoryError("no room")
        return train_apart(blocks, *others)

    return train


def assert_equal(result, other):
    assert result.stopped_by == other.stopped_by
    assert result.arrays.keys() == other.arrays.keys()
    assert all(torch.equal(array, other.arrays[name]) for name, array in result.arrays.items())


@pytest.mark.parametrize("told", ["as it is", "another store's"])
def test_units_of_a_task_come_to_what_a_lab_comes_to(tmp_path, alone, told):
    (tmp_path / "store").mkdir()
    (tmp_path / "store/marker").write_text("as it is")
    units = asked(tmp_path)
    values = train_units([*units.values()], (str(tmp_path / "store/marker"), told), "7", ())
    assert [list(value["blocks"]) for value in values] == [[key] for key in units]
    store = Store(tmp_path / "store")
    for value, key in zip(values, units, strict=True):
        one = value["blocks"][key]
        assert one["event"]["node"] == one["about"]["node"] == "7"
        assert store.has(key) == one.get("is stored", False) == (told == "as it is")
        assert_equal(store.load(key) if store.has(key) else unpacked(one), alone.load(key))


def test_a_result_whose_lock_another_holds_is_sent(tmp_path, alone):
    (tmp_path / "store").mkdir()
    (tmp_path / "store/marker").write_text("it")
    units, store = asked(tmp_path), Store(tmp_path / "store")
    first = next(iter(units))
    with store.locked([first], wait=True):
        values = train_units([*units.values()], (str(tmp_path / "store/marker"), "it"), "7", ())
    assert [store.has(key) for key in units] == [False, True, True]
    assert_equal(unpacked(values[0]["blocks"][first]), alone.load(first))


def test_a_unit_that_is_refused_or_raises_leaves_the_others(tmp_path, alone, monkeypatch):
    (_, payload), (second, _), (third, _) = (units := asked(tmp_path)).items()
    wanted, teachers = pickle.loads(payload[0])
    changed = [(experiment, seeds, device, "0" * 64, about) for experiment, seeds, device, _, about in wanted]
    task = [(pickle.dumps((changed, teachers)), ""), (b"no pickle", ""), units[second], units[third]]
    monkeypatch.setattr(at_node, "train_apart", raising_for(second))
    strange, damaged, raising, whole = train_units(task, (str(tmp_path / "marker"), ""), "7", ())
    assert strange == {"refused": "it reads another recipe"}
    assert damaged["refused"].startswith("it has other code or data (UnpicklingError")
    assert str(pickle.loads(raising["raised"])) == "no room"
    assert_equal(unpacked(whole["blocks"][third]), alone.load(third))
