"""What a lab asks of an engine: whole groups, and none of one with a recipe that cannot be sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from gen_core import GD, SGD, Data, Experiment, LabelledBy, Linear, Square
from gen_core.engines.asking import Asking
from gen_core.engines.folder import EngineFolder
from gen_core.lab import Lab, Store


@dataclass(frozen=True)
class Points:
    n: int = 12
    inputs: tuple[int, ...] = (3,)

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, *self.inputs, generator=generator, dtype=torch.float64)
        return Data(X, X.sum(1))


LINEAR = Experiment(data=Points(), model=Linear(), rule=GD(0.1), loss=Square(), steps=9, dtype="float64")
SEVERAL = [replace(LINEAR, rule=GD(0.1 + i / 10)) for i in range(3)]


def of_a_function() -> Points:
    """Points of a type that no other process can import."""

    @dataclass(frozen=True)
    class Own(Points): ...

    return Own()


@pytest.fixture
def asking_of(tmp_path, monkeypatch):
    def asking(*wanted: tuple[Experiment, int]) -> Asking:
        lab = Lab(Store(tmp_path / "store"), torch.device("cpu"))
        lab.plan([("a", experiment, seeds) for experiment, seeds in wanted])
        folder = EngineFolder(tmp_path / "engine")
        folder.create()
        alive = iter([False] * 5)  # for so many looks, lest a wait goes on for ever
        monkeypatch.setattr(Asking, "_gone", lambda self: next(alive, True))
        lab.engine = Asking(folder, lab, Path(__file__).parent)
        return lab.engine

    return asking


def asked(asking: Asking) -> list[int]:
    return [len(unit.keys) for _, unit in EngineFolder(asking.folder.root).new_units()]


def test_a_group_is_one_unit(asking_of):
    asking = asking_of(*((each, 4) for each in SEVERAL))
    asking.plan()
    assert asked(asking) == [3]


def test_a_group_with_a_recipe_that_cannot_be_sent_is_trained_here_as_a_whole(asking_of):
    asking = asking_of(*((each, 4) for each in [*SEVERAL, replace(LINEAR, data=of_a_function())]))
    asking.plan()
    assert [len(members) for members, _ in asking.lab.planned.parts] == [4]
    assert asking.awaited([SEVERAL[0]], 4, lambda what, share: None) == {}
    assert asked(asking) == []


@pytest.mark.parametrize("look", [6, 8])
def test_a_student_is_asked_for_after_whole_blocks_of_its_teacher(asking_of, look):
    student = replace(LINEAR, data=LabelledBy(Points(n=30), LINEAR, outputs=True), rule=SGD(0.1, 10))
    asking = asking_of((student, look), (LINEAR, 16))
    assert [len(unit.keys) for unit in asking.units()] == [3, 2]
