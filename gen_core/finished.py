"""What a finished training is measured by besides its draws and networks: how it went and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import torch
from torch import Tensor

from gen_core.checks import check_tensor
from gen_core.errors import InvalidExperiment, Unfinished
from gen_core.experiment import WATCHES, Experiment, Observable
from gen_core.recipe import brief
from gen_core.rules.rates import base_rate
from gen_core.schedule import AtLoss
from gen_core.training.drawn import Drawn
from gen_core.training.draws import sample_data
from gen_core.training.replicas import checksum, sampled
from gen_core.training.result import TrainingResult
from gen_core.training.watching import array_name


class Source(Protocol):
    """A block of seeds of a run: what its numbers depend on."""

    @property
    def size(self) -> int:
        """Number of seeds."""
        ...

    @property
    def key(self) -> str:
        """Key of its training."""
        ...

    @property
    def mark(self) -> str:
        """Digest of all that its numbers depend on, with what its seeds drew; "" where that cannot be told."""
        ...


@dataclass(frozen=True)
class Origin:
    """Where a run is from: its blocks of seeds, in order, and the folder that what is measured of them is kept in.

    Attributes:
        store: the folder of the store.
        sources: the blocks.
        of: the recipe, the seeds and the result that the blocks make up.
        states: of each of its arrays: the version, which a change in place by torch raises, and a digest of some
            numbers, evenly spread.
    """

    store: Path
    sources: tuple[Source, ...]
    of: tuple[Experiment, tuple[int, ...], TrainingResult]
    states: tuple[tuple[int, int], ...]

    @classmethod
    def of_run(cls, store: Path, sources: tuple[Source, ...], run: Finished) -> Self:
        """The origin of a run as it is now."""
        return cls(store, sources, (run.experiment, run.seeds, run.result), _states(run.result))

    def fits(self, run: Finished) -> bool:
        """Whether it is that of a run, with nothing in it replaced or changed in place."""
        experiment, seeds, result = self.of
        same = run.result is result and run.experiment is experiment and run.seeds == seeds
        return same and _states(result) == self.states


def _states(result: TrainingResult) -> tuple[tuple[int, int], ...]:
    arrays = result.arrays.values()
    return tuple((0 if array.is_inference() else array._version, checksum(sampled(array))) for array in arrays)


@dataclass(frozen=True, repr=False)
class Finished(Drawn):
    """A finished training of a block of seeds; see `Drawn`."""

    @property
    def checkpoints(self) -> tuple[int, ...]:
        """Steps of the checkpoint axis. A seed that stopped early repeats its last values.

        Raises:
            InvalidExperiment: with `AtLoss`, whose steps differ from seed to seed: they are in `reached`.
        """
        if isinstance(self.experiment.checkpoints, AtLoss):
            raise InvalidExperiment(
                "checkpoints of AtLoss; expected run.reached, as its steps differ from seed to seed"
            )
        return self.experiment.grid

    @property
    def reached(self) -> Tensor:
        """The step at which each level of `AtLoss` was reached, (seeds, levels); -1 where it never was."""
        if not isinstance(self.experiment.checkpoints, AtLoss):
            raise InvalidExperiment(
                f"reached with checkpoints {brief(self.experiment.checkpoints)}; expected AtLoss (or use first_step)"
            )
        return self._array("reached", "quantity")

    def watched(self, quantity: str | Observable) -> Tensor:
        """A watched quantity at the checkpoints, (seeds, checkpoints, ...); with `AtLoss`, (seeds, levels, ...).

        A watched weight is called "weights.NAME", and an observable is asked for by itself. Predicted classes are
        booleans (two classes) or small integers.

        Raises:
            Unfinished: with `AtLoss`, if a seed has not reached a level.
        """
        value = self._recorded(quantity)
        if isinstance(self.experiment.checkpoints, AtLoss):
            for place in range(len(self.experiment.checkpoints.levels)):
                self._require_level(self.experiment.checkpoints, place)
        return value

    def _recorded(self, quantity: str | Observable) -> Tensor:
        """A watched quantity as `watched`, of whatever levels are reached."""
        name = array_name(self.experiment, quantity)
        value = self._array(f"watch.{name}", "watched quantity")
        if name == "test_classes" and self.model.outputs == 1:
            value = torch.from_numpy(np.unpackbits(value.numpy(), axis=-1, count=self.experiment.n_test)).bool()
        return value

    def _require_level(self, checkpoints: AtLoss, place: int) -> None:
        what = f"training loss {checkpoints.levels[place]:g} is reached"
        self._require(self.reached[:, place] >= 0, what, "more steps, or a higher level")

    def first_step(self, condition: Tensor) -> Tensor:
        """The step of the first checkpoint at which a condition holds, (seeds,).

        A seed that stopped early has its last values at all later checkpoints: its last step counts, then.

        Args:
            condition: bool, (seeds, checkpoints), or (seeds, levels) with `AtLoss`.

        Raises:
            Unfinished: naming the seeds in which it is never met.
        """
        check_tensor("condition", condition)
        at_loss = isinstance(self.experiment.checkpoints, AtLoss)
        steps = self.reached if at_loss else torch.tensor(self.checkpoints).expand(len(self.seeds), -1)
        if condition.dtype != torch.bool or condition.shape != steps.shape:
            raise InvalidExperiment(
                f"condition of {condition.dtype} {tuple(condition.shape)}; expected bool {tuple(steps.shape)}"
            )
        met = condition & (steps >= 0)
        self._require(met.any(1), "the condition is met", "more steps, or a weaker condition")
        return torch.minimum(steps.gather(1, met.int().argmax(1, keepdim=True)).squeeze(1), self.steps_taken)

    def _require(self, met: Tensor, what: str, wanted: str) -> None:
        """Check that something happened in every seed.

        Raises:
            Unfinished: naming the seeds where it did not.
        """
        lacking = [str(seed) for seed, each in zip(self.seeds, met.tolist(), strict=True) if not each]
        if lacking:
            some = ", ".join(lacking[:4]) + (" ..." if len(lacking) > 4 else "")
            raise Unfinished(
                f"{what} in {len(self.seeds) - len(lacking)} of {len(self.seeds)} seeds, not in seed {some}; "
                f"expected it in all ({wanted})"
            )

    @property
    def steps_taken(self) -> Tensor:
        """Steps that each seed took, (seeds,)."""
        return self._array("step", "quantity")

    @property
    def diverged(self) -> Tensor:
        """Whether each seed's loss or weights are not finite at its end, bool (seeds,); see `may_diverge`."""
        if not self.experiment.steps:
            return torch.zeros(len(self.seeds), dtype=torch.bool)
        return self._array("diverged", "quantity") >= 0

    @cached_property
    def endings(self) -> str:
        """What stopped each seed's training, in words; empty where nothing was trained."""
        if not self.experiment.steps:
            return ""
        steps, reasons = self.steps_taken, self.result.stopped_by
        groups = {
            reason: [int(s) for s, r in zip(steps, reasons, strict=True) if r == reason]
            for reason in dict.fromkeys(reasons)
        }
        return "; ".join(f"{len(at)} by {reason} at step {_span(at)}" for reason, at in groups.items())

    def require_finite(self) -> None:
        """Check that no seed diverged.

        Raises:
            Unfinished: if the loss of a seed is not finite, naming the seeds and the checkpoint where it was noticed,
                or the data if these are not.
        """
        if not self.experiment.steps or self.experiment.rule is None:
            return
        lost = [(s, int(at)) for s, at in zip(self.seeds, self.result.arrays["diverged"], strict=True) if at >= 0]
        if lost:
            data = sample_data(self.experiment, lost[0][0])
            if not all(bool(value[:].isfinite().all()) for value in (vars(data)["X"], data.y)):
                raise Unfinished(f"data of seed {lost[0][0]} are not finite, nor is its loss; expected finite numbers")
            seeds = ", ".join(f"seed {s} by step {at}" for s, at in lost[:4]) + (" ..." if len(lost) > 4 else "")
            raise Unfinished(
                f"training diverged: the loss is not finite for {len(lost)} of {len(self.seeds)} seeds ({seeds}); "
                f"expected a finite loss (rate {base_rate(self.experiment.rule.rate):g}), "
                "or may_diverge=True to measure it"
            )

    def _array(self, name: str, kind: str) -> Tensor:
        try:
            return self.result.arrays[name]
        except KeyError:
            raise InvalidExperiment(self._lacks(name, kind)) from None

    def _lacks(self, name: str, kind: str) -> str:
        """Why an array is not there, and what to do."""
        family, _, wanted = name.partition(".")
        if not self.experiment.steps:
            return f"{kind} {wanted or name!r} of a run that trains nothing; expected steps"
        known = [each.removeprefix(f"{family}.") for each in self.result.arrays if each.startswith(f"{family}.")]
        line = f"{kind} {wanted or name!r} is not in this run; it has {', '.join(sorted(known)) or 'none'}"
        watch = "weights" if wanted.startswith("weights.") else wanted
        lacks = family == "watch" and watch not in self.experiment.watch
        return f"{line} (add {repr(watch) if watch in WATCHES else 'it'} to its watch)" if lacks else line


def _span(values: list[int]) -> str:
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)} to {max(values)}"
