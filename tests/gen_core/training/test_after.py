"""Trainings that start where another one of the same seed ended, and data sets made of another's points."""

from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import GD, CrossEntropy, Data, Experiment, InvalidExperiment, LiLiang, Run, Stop
from gen_core.training import cost
from gen_core.training.draws import sample_data
from gen_core.training.states import files_of
from gen_core.training.trainer import train_rows as train
from tests.gen_core.training.teacher import LEAST_SQUARES, SEEDS, Teacher

FIRST = replace(LEAST_SQUARES, rule=GD(0.05), steps=30, stop=Stop(loss=1e-3, every=1), watch=())
SECOND = replace(LEAST_SQUARES, steps=50, after=FIRST)


@dataclass(frozen=True)
class Negated:
    """Another data set's points with their targets negated."""

    data: Teacher
    n_test: int = 13

    @property
    def n(self) -> int:
        return self.data.n

    @property
    def inputs(self) -> tuple[int, ...]:
        return self.data.inputs

    def draw(self, generator: torch.Generator) -> Data:
        return self.derive(self.data.draw(generator), generator)

    def derive(self, data: Data, generator: torch.Generator) -> Data:
        return replace(data, y=-data.y)


@dataclass(frozen=True)
class File(Teacher):
    name: str = "x"

    def source(self) -> str:
        return self.name


def run(experiment: Experiment, seeds=SEEDS) -> Run:
    [(_, trained)] = train([(experiment, seed) for seed in seeds], torch.device("cpu"))
    return Run(experiment, tuple(seeds), trained)


def descend(w, run, rate, steps):
    for _ in range(steps):
        w = (
            w
            - rate
            * ((run.X @ w[..., None]).squeeze(-1) - run.y)[..., None, :].matmul(run.X).squeeze(-2)
            / run.X.shape[1]
        )
    return w


def test_it_starts_from_the_weights_that_the_first_one_ends_with():
    first, second = run(FIRST), run(SECOND)
    assert torch.equal(second.watched("weights.w")[:, 0], first.w)
    torch.testing.assert_close(second.w, descend(first.w, second, 0.1, 50), rtol=1e-12, atol=1e-12)


def test_the_first_one_sees_its_own_data():
    negated = replace(FIRST, data=Negated(FIRST.data), stop=Stop())
    second = run(replace(SECOND, after=negated))
    from_zero = descend(torch.zeros(len(SEEDS), 5, dtype=torch.float64), second, 0.05, 30)
    torch.testing.assert_close(second.watched("weights.w")[:, 0], -from_zero, rtol=1e-12, atol=1e-12)


def test_a_seed_alone_ends_where_it_ends_among_others():
    together = run(SECOND)
    for i in SEEDS:
        torch.testing.assert_close(run(SECOND, [i]).w[0], together.w[i], rtol=1e-12, atol=1e-12)


def test_three_in_a_row():
    third = run(replace(SECOND, steps=5, after=SECOND))
    torch.testing.assert_close(third.w, descend(run(SECOND).w, third, 0.1, 5), rtol=1e-12, atol=1e-12)


def test_parameters_that_are_not_trained_are_those_of_the_draw():
    classes = replace(
        LEAST_SQUARES, data=Teacher(labels="classes"), model=LiLiang(7, 3), loss=CrossEntropy(), steps=4, watch=()
    )
    both = replace(classes, steps=3, after=replace(classes, steps=1))
    torch.testing.assert_close(run(both).weights("W"), run(classes).weights("W"), rtol=1e-12, atol=1e-12)


def test_progress_counts_the_steps_of_both():
    seen = []
    list(train([(SECOND, seed) for seed in SEEDS], torch.device("cpu"), lambda step, steps: seen.append((step, steps))))
    assert {steps for _, steps in seen} == {80 * len(SEEDS)}
    assert [step for step, _ in seen] == sorted(step for step, _ in seen)
    assert seen[-1][0] == 80 * len(SEEDS)


def test_cost_key_and_form_know_the_first_one():
    alone = replace(SECOND, after=None)
    assert cost.cost(SECOND).operations == cost.cost(alone).operations + cost.cost(FIRST).operations
    other = replace(SECOND, after=replace(FIRST, steps=31))
    assert len({e.key for e in (alone, SECOND, other)}) == len({e.batch_key() for e in (alone, SECOND, other)}) == 3
    assert replace(SECOND, after=replace(FIRST, rule=GD(0.06))).batch_key() == SECOND.batch_key()
    files = replace(SECOND, data=File(labels="real"), after=replace(FIRST, data=File(labels="real", name="y")))
    assert files_of(files) == "x y"


def test_a_first_one_that_diverges_ends_the_second_at_once():
    finished = run(replace(SECOND, after=replace(FIRST, rule=GD(1e200), stop=Stop())))
    assert set(finished.result.stopped_by) == {"diverged"}
    assert finished.result.arrays["diverged"].tolist() == [0] * len(SEEDS)


def test_its_initialization_is_not_a_draw():
    with pytest.raises(InvalidExperiment, match="initial 'w' of a training after another one"):
        run(SECOND).initial("w")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"after": 3}, "after 3; expected an Experiment"),
        ({"after": replace(FIRST, dtype="float32")}, "dtype 'float64' after 'float32'"),
        ({"after": replace(FIRST, data=Teacher(inputs=(4,)))}, "inputs of the data"),
        ({"steps": 0}, "steps 0 after another training"),
    ],
)
def test_what_cannot_follow_says_so(changes, message):
    with pytest.raises(InvalidExperiment, match=message):
        replace(SECOND, **changes)


def test_a_derived_data_set_has_the_points_of_the_other_one():
    plain, negated = (sample_data(replace(LEAST_SQUARES, data=data), 3) for data in (Teacher(), Negated(Teacher())))
    assert torch.equal(plain.X, negated.X)
    assert torch.equal(plain.y, -negated.y)
