"""The points of each step: drawn some steps ahead, they are those of an order drawn epoch by epoch; few transfers."""

from __future__ import annotations

import pytest
import torch

from gen_core import GD, MLP, SGD, Experiment, Logistic
from gen_core.training import order as orders
from gen_core.training.draws import sample_data
from gen_core.training.order import Batches, sent
from gen_core.training.seeding import AHEAD
from tests.gen_core.training.test_trainer import order
from tests.trainings import Points

SEEDS = (3, 4, 7)
CPU = torch.device("cpu")


def batches(rule: SGD | GD, n: int, steps: int) -> tuple[Batches, torch.Tensor, torch.Tensor]:
    """The batches of three seeds, and their points and labels."""
    experiment = Experiment(data=Points(n=n), model=MLP((4,)), rule=rule, loss=Logistic(), steps=steps)
    rows = [(experiment, seed) for seed in SEEDS]
    draws = [sample_data(*row) for row in rows]
    X, y = torch.stack([data.X for data in draws]).float(), torch.stack([data.y for data in draws])
    return Batches(rows, X, y, steps), X, y


@pytest.fixture
def transfers(monkeypatch) -> list[int]:
    """Steps whose points have been sent to the device, one entry a transfer."""
    told = []

    def counted(places: torch.Tensor, device: torch.device) -> torch.Tensor:
        told.append(places.shape[1])
        return sent(places, device)

    monkeypatch.setattr(orders, "sent", counted)
    return told


@pytest.mark.parametrize("keep", [None, 0, 30, 63, 64, 70])
@pytest.mark.parametrize(
    ("n", "size", "replacement"), [(24, 6, False), (25, 6, False), (24, 24, False), (200, 2, False), (24, 6, True)]
)
def test_steps_drawn_ahead_have_the_points_that_each_epoch_would_draw(n, size, replacement, keep):
    steps, rows = 150, [0, 1, 2]
    given, X, y = batches(SGD(0.1, size, replacement), n, steps)
    expected = [order(n, size, replacement, seed, steps) for seed in SEEDS]
    for step, points in enumerate(zip(*expected, strict=True)):
        if step == keep:
            rows = [0, 2]
            given.keep(torch.tensor(rows), X[rows], y[rows])
        at = torch.stack(points)[rows]
        found = next(given)
        assert torch.equal(found[0], X[torch.tensor(rows)[:, None], at])
        assert torch.equal(found[1], y[torch.tensor(rows)[:, None], at])


def test_a_stretch_of_steps_is_sent_at_once_and_none_beyond_the_last(transfers):
    given, *_ = batches(SGD(0.1, 6), 24, 150)
    for _ in range(150):
        next(given)
    assert transfers == [AHEAD, AHEAD, 24]  # 22 steps are left, which are six epochs of four
    transfers.clear()
    given, *_ = batches(SGD(0.1, 2), 200, 150)
    for _ in range(150):
        next(given)
    assert transfers == [100, 100]
    given, X, y = batches(GD(0.1), 24, 5)
    assert all(next(given)[i] is whole for _ in range(5) for i, whole in enumerate((X, y)))


def test_what_is_sent_to_a_gpu_is_pinned_and_not_waited_for():
    told = []

    class Told:
        def pin_memory(self):
            told.append("pinned")
            return self

        def to(self, device, non_blocking=False):
            told.append((device.type, non_blocking))
            return self

    for kind in ("cuda", "cpu"):
        sent(Told(), torch.device(kind))  # type: ignore[arg-type]
    assert told == ["pinned", ("cuda", True), ("cpu", True)]
