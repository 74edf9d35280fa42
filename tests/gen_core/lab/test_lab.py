from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import (
    GD,
    MLP,
    SGD,
    Data,
    Experiment,
    InvalidExperiment,
    Linear,
    Logistic,
    Square,
)
from gen_core.lab import Event, Lab, Store
from gen_core.training import cost
from gen_core.training.seeding import SEEDS_PER_BASE, seed_numbers

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Points:
    n: int = 12
    inputs: tuple[int, ...] = (3,)
    scale: float = 1.0

    def draw(self, generator: torch.Generator) -> Data:
        X = self.scale * torch.randn(self.n, *self.inputs, generator=generator, dtype=torch.float64)
        return Data(X, X.sum(1).sign())


A = Experiment(data=Points(), model=Linear(), rule=GD(0.1), loss=Square(), steps=20, dtype="float64")
B = replace(A, rule=GD(0.2))
C = replace(A, data=Points(scale=2.0))
NET = replace(A, model=MLP(hidden=(4,)), rule=SGD(0.1, 4), loss=Logistic())


def plan(lab, *experiments, first=8):
    lab.plan((f"case {i}", e, first) for i, e in enumerate(experiments))
    return lab


def test_equal_experiments_are_one_demand_and_those_of_one_form_a_group(make):
    lab = plan(make(), A, NET, B, replace(A), C)
    assert [demand.cases for demand in lab.planned.demands.values()] == [
        ["case 0", "case 3"],
        ["case 1"],
        ["case 2"],
        ["case 4"],
    ]
    groups = [{demand.experiment for demand in group} for group in lab.planned.groups]
    assert groups in ([{NET}, {A, B, C}], [{A, B, C}, {NET}])


def test_nobody_is_waited_for_where_the_last_of_a_group_has_just_been_trained(make):
    told = []
    lab = plan(make(progress=lambda what, share: told.append(what)), A)
    lab.run(A, 8)
    told.clear()
    lab.wait([A], 8)
    assert told == []


def test_groups_are_longest_first(make):
    long, longer = replace(NET, steps=2000), replace(A, steps=50_000)
    lab = plan(make(), A, long, B, longer)
    assert [group[0].experiment for group in lab.planned.groups] == [longer, long, A]
    took = [cost.group_seconds([(d.experiment, d.first_look) for d in group], "cpu") for group in lab.planned.groups]
    assert took == sorted(took, reverse=True)


def test_a_group_is_trained_with_all_seeds_of_its_first_look_whoever_asks_first(make):
    told: list[Event] = []
    lab = make()
    lab.finished = told.append
    lab.plan((case, e, seeds) for e in (A, B) for case, seeds in (("few", 4), ("some", 6), ("many", 16)))
    lab.run(A, 4)
    assert {event.key for event in told} == {key for e in (A, B) for key in lab.keys(e, 16)}
    told.clear()
    assert lab.run(B, 16).seeds == seed_numbers(0, 0, 16)
    assert told == []
    lab.run(A, 6)  # its second block is none of the first look's
    assert [(event.key, event.seeds) for event in told] == [(lab.keys(A, 6)[1], 2)]


def test_a_group_is_trained_as_one_batch_at_the_first_call_for_a_member(make, batches):
    events: list[Event] = []
    lab = plan(make(events), A, B, C, NET)
    lab.run(B, 8)
    assert [len(rows) for rows in batches] == [3 * 8]
    assert sorted(event.seeds for event in events) == [4] * 6
    lab.runs([A, C], 8)
    assert len(batches) == 1
    lab.run(NET, 8)
    assert len(batches) == 2
    assert events[0].label == "Linear on Points, GD"
    assert all(event.seconds >= 0 for event in events)


def test_what_two_cases_share_is_trained_once_and_never_again(make, batches):
    events: list[Event] = []
    lab = plan(make(events), A, replace(A), first=4)
    first, second = lab.run(A, 4), lab.run(replace(A), 4)
    assert torch.equal(first.w, second.w)
    assert len(events) == 1
    again = plan(make(events), A).run(A, 4)
    assert len(events) == len(batches) == 1
    assert torch.equal(again.w, first.w)
    assert again.seeds == (0, 1, 2, 3)


def test_looks_train_the_new_seeds_alone(make, batches):
    lab = plan(make(), A, first=4)
    short = lab.run(A, 4)
    for seeds, new in ((8, 4), (16, 8), (32, 16)):
        longer = lab.run(A, seeds)
        assert len(batches[-1]) == new
        assert torch.equal(longer.w[: len(short.w)], short.w)
        short = longer
    lab.run(A, 8)
    assert len(batches) == 4


@pytest.mark.parametrize("asked", [(8, 12, 20), (8, 20, 12), (12, 8, 20)])
@pytest.mark.parametrize("base", [0, 3])
def test_blocks_of_later_looks_are_trained_by_themselves_whoever_asks_first(make, batches, asked, base):
    lab = plan(make(base=base), A, first=8)
    for seeds in asked:
        lab.run(A, seeds)
    assert sorted([seed - base * SEEDS_PER_BASE for _, seed in rows] for rows in batches) == [
        [*range(8)],
        [*range(8, 12)],
        [*range(8, 16)],
        [*range(16, 20)],
    ]


def test_a_smaller_look_trains_its_group_too(make, batches):
    lab = plan(make(), A, B, first=8)
    lab.run(A, 4)
    lab.run(B, 8)
    assert [len(rows) for rows in batches] == [2 * 8]


def test_blocks_are_those_of_all_looks(make):
    lab = make(base=3)
    for seeds, sizes in {
        4: [4],
        8: [4, 4],
        64: [4, 4, 8, 16, 32],
        10: [4, 4, 2],
        1000: [4, 4, 8, 16, 32, 64, 128, 256, 488],
    }.items():
        blocks = lab.blocks(A, seeds)
        assert [len(block.seeds) for block in blocks] == sizes
        assert sum((block.seeds for block in blocks), ()) == seed_numbers(3, 0, seeds)
    assert len(set(lab.keys(A, 16))) == 3
    with pytest.raises(InvalidExperiment, match="seeds 1000 to 1001; expected at most 1000 of one base"):
        lab.blocks(A, 1001)


def test_a_rate_of_1_and_one_of_1_point_0_are_one_experiment(make, batches):
    lab = plan(make(), replace(A, rule=GD(1)), replace(A, rule=GD(1.0)))
    assert len(lab.planned.demands) == 1
    lab.run(replace(A, rule=GD(1.0)), 8)
    lab.run(replace(A, rule=GD(1)), 8)
    assert len(batches) == 1


def test_results_do_not_depend_on_the_group_or_the_base_shared(make, tmp_path):
    together = plan(make(), A, B, C, first=8).runs([A, B, C], 8)
    for run in together:
        alone = Lab(Store(tmp_path / "other"), CPU).run(run.experiment, 8)
        torch.testing.assert_close(run.w, alone.w, rtol=1e-12, atol=1e-12)
    other = Lab(Store(tmp_path / "other"), CPU, base=1).run(A, 8)
    assert other.seeds == tuple(range(1000, 1008))
    assert not torch.equal(other.X, together[0].X)


def test_progress_names_what_is_trained(make):
    told: list[tuple[str, float]] = []
    lab = plan(
        make(progress=lambda what, share: told.append((what, share))), replace(A, steps=500), replace(B, steps=500)
    )
    lab.run(replace(A, steps=500), 8)
    assert {what for what, _ in told} == {"Linear on Points, GD, 16 seeds"}
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_while_a_group_is_held_another_one_is_trained_and_then_its_result_is_read(make, tmp_path, batches):
    """The lock of one group is held by somebody else, who trains it once the others are done."""
    owner = Store(tmp_path / "store")
    held = make()
    told: list[str] = []
    waiting: list[str] = []

    def waits(what, share):
        told.append(what)
        if what.startswith("waiting"):
            waiting.append(what)
            lock.__exit__(None, None, None)

    lab = plan(make(progress=waits), A, NET)
    lock = owner.locked(held.keys(A, 8), wait=True)
    assert lock.__enter__()
    assert lab.run(A, 8).w.isfinite().all()
    assert waiting == ["waiting for another process to train Linear on Points, GD"]
    assert told.index(waiting[0]) > told.index("MLP on Points, SGD, 8 seeds")
    assert [len(rows) for rows in batches] == [8, 8]
    assert batches[0][0][0] == NET
