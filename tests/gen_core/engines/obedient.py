"""A cluster that does as it is told, without Ray, and an engine's loop on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import torch

from gen_core.engines.dispatch import Answer, Dispatcher
from gen_core.engines.folder import EngineFolder, Unit
from gen_core.engines.ledger import Ledger
from gen_core.engines.parcels import packed, unpacked
from gen_core.lab import Store
from gen_core.training.result import TrainingResult

RESULT = TrainingResult({"step": torch.tensor([3, 4])}, ("steps", "loss"))


def unit(key, *needs, seconds=1.0):
    return Unit((key,), needs, seconds, f"what {key} is", ("/a",), "", False, b"recipes")


def trained(*keys, node="1", seconds=2.0):
    about = {"recipe": {}, "seeds": [0, 1], "device": "cpu", "seconds": 2.0, "node": node}
    event = {"label": "it", "seeds": 2, "seconds": seconds, "experiment": "e", "node": node}
    blocks = {key: {"event": event | {"key": key}, "about": about, **packed(RESULT)} for key in keys}
    return Answer(node, [{"refused": "", "blocks": blocks, "failed": {}}])


@dataclass
class Obedient:
    nodes: list[str] = field(default_factory=lambda: ["1", "2"])
    slots: int = 2
    sent: dict[int, tuple[str, set[str]]] = field(default_factory=dict)
    answering: dict[int, Answer] = field(default_factory=dict)
    dropped: list[int] = field(default_factory=list)
    numbers: count = field(default_factory=count)

    def look(self):
        return ""

    def share(self, parcel):
        return parcel

    def send(self, units, taught, avoid):
        assert all(unpacked(parcel).stopped_by == RESULT.stopped_by for parcel in taught)
        assert {unit.payload for unit in units} == {b"recipes"}
        number = next(self.numbers)
        self.sent[number] = " ".join(unit.keys[0] for unit in units), avoid
        return number

    def answers(self, tickets):
        return {ticket: self.answering.pop(ticket) for ticket in tickets if ticket in self.answering}

    def drop(self, ticket):
        self.dropped.append(ticket)


def make_loop(folder):
    """A loop with a store and records in a folder."""
    asked = EngineFolder(folder / "engine")
    asked.create()
    (folder / "records").mkdir()
    ledger = Ledger(asked, folder / "records", "obedient 1")
    return Dispatcher(asked, Obedient(), Store(folder / "store"), ledger)


def ask(loop, *units):
    for order, one in enumerate(units):
        loop.folder.put(one, order, one.keys[0])
    assert loop.step() == ""


def answer(loop, number, given):
    loop.cluster.answering[number] = given
    return loop.step()
