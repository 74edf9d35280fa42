"""The weights come out at the teacher's slope.

Measured: the distance of the mean weight from 1.
"""

from dataclasses import dataclass

from mine.data import Bent, Points, Read, about

from gen_core import Run, claim, expect

OWN = 1.0


def own() -> float:
    return 1.0


@dataclass(frozen=True)
class OfAConstant(Points):
    def slope(self) -> float:
        return OWN


@dataclass(frozen=True)
class OfAFunction(Points):
    def slope(self) -> float:
        return own()


def judge(run: Run) -> None:
    expect((run.w.mean(1) - 1).abs(), "|mean weight - 1|").always_at_most(0.25)


@claim(**about(Points()))
def test_constant_of_another_module(run: Run) -> None:
    judge(run)


@claim(**about(Bent()))
def test_function_of_another_module(run: Run) -> None:
    judge(run)


@claim(**about(OfAConstant()))
def test_constant_of_the_file(run: Run) -> None:
    judge(run)


@claim(**about(OfAFunction()))
def test_function_of_the_file(run: Run) -> None:
    judge(run)


@claim(**about(Read()))
def test_file_that_is_read(run: Run) -> None:
    judge(run)
