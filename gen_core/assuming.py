"""Hypotheses of claims: named checks of the recipe, of what each seed draws, or of the finished run."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gen_core.checks import check_words
from gen_core.errors import InvalidClaim, InvalidExperiment
from gen_core.experiment import Experiment
from gen_core.recipe import brief
from gen_core.run import Run
from gen_core.training.draws import known_start, sample_data


@dataclass(frozen=True)
class Assumption:
    """A named hypothesis of a claim, checked on the recipe, on every seed's data and start, or on the finished run.

    Attributes:
        name: its name in ids and messages.
        statement: the hypothesis in words.
        check: one of three, by its parameters. (experiment, data) or (experiment, data, start) -> whether it holds for
            a seed, and the checked values in words; the start is the parameters that the seed's training begins with,
            name -> tensor. (run) -> whether it holds in each seed, bool, (seeds,), and the checked values in words. It
            is a function, or a frozen dataclass with `__call__`, so that hypotheses with equal values are equal.
    """

    name: str
    statement: str
    check: Callable[..., tuple[Any, str]]

    def __post_init__(self) -> None:
        check_words("name of an assumption", self.name)
        check_words(f"statement of the assumption {self.name}", self.statement)
        takes = f"assumption {self.name} is checked by {brief(self.check)}"
        expected = "expected a function of (experiment, data), (experiment, data, start) or (run)"
        if not callable(self.check):
            raise InvalidClaim(f"{takes}; {expected}")
        try:
            given = 1 if self.of_run else 2 + self.asks_start
            inspect.signature(self.check).bind(*range(given))
        except (TypeError, ValueError):
            raise InvalidClaim(f"{takes}; {expected}") from None

    @property
    def of_run(self) -> bool:
        """Whether it is checked on the finished run: its first parameter is called `run`."""
        return next(iter(inspect.signature(self.check).parameters), "") == "run"

    @property
    def asks_start(self) -> bool:
        """Whether it is checked on the start too: it has a parameter called `start`."""
        return "start" in inspect.signature(self.check).parameters

    def on(self, experiment: Experiment, seed: int) -> tuple[bool, str]:
        """Check one seed's data, and its start where it asks for it.

        Raises:
            InvalidClaim: if the check does not return whether it holds, and words.
        """
        data = sample_data(experiment, seed)
        found = self.check(experiment, data, *([known_start(experiment, seed)] if self.asks_start else []))
        if _with_words(found) and (holds := _truth(found[0])) is not None:
            return holds, found[1]
        raise InvalidClaim(
            f'assumption {self.name} returned {brief(found)}; expected whether it holds, and words: return holds, "..."'
        )

    def on_run(self, run: Run) -> tuple[Tensor, str]:
        """Check all seeds of a finished run: whether it holds in each of them, (seeds,), and words.

        Raises:
            InvalidClaim: if the check does not return this.
            InvalidExperiment: if it changes what it is given.
        """
        before = _versions(run)
        found = self.check(run)
        if _versions(run) != before:
            raise InvalidExperiment(
                f"the hypothesis {self.name!r} changed its run in place; expected it to work on a copy (tensor.clone())"
            )
        if _with_words(found) and isinstance(holds := found[0], Tensor):
            if holds.dtype == torch.bool and holds.shape == (len(run.seeds),):
                return holds, found[1]
            found = f"a tensor of {holds.dtype} {tuple(holds.shape)}"
        else:
            found = brief(found)
        raise InvalidClaim(
            f"assumption {self.name} returned {found}; expected whether it holds in each seed, bool "
            f'({len(run.seeds)},), and words: return holds, "..."'
        )


def _with_words(found: object) -> bool:
    return isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], str) and bool(found[1])


def _truth(holds: object) -> bool | None:
    """A single truth value as a bool; None for anything else."""
    if isinstance(holds, Tensor) and holds.numel() == 1:
        holds = holds.item()
    return bool(holds) if isinstance(holds, (bool, np.bool_)) else None


def _versions(run: Run) -> list[int]:
    return [array._version for array in run.result.arrays.values()]


def assumption(check: Callable[..., tuple[Any, str]]) -> Assumption:
    """Turn a function into a hypothesis, named after the function and stated by the first line of its docstring.

    Args:
        check: (experiment, data), (experiment, data, start) or (run); see `Assumption`. Those that many claims share
            are in `gen_core.hypotheses`.
    """
    name = getattr(check, "__name__", brief(check))
    statement = (inspect.getdoc(check) or "").partition("\n")[0]
    if not statement:
        raise InvalidClaim(f"assumption {name} has no docstring; expected its statement, in one line")
    return Assumption(name, statement, check)
