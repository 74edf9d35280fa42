"""What a finished experiment exposes to measures: weights, trajectory and data of a block of seeds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment, Unfinished
from gen_core.experiment import Experiment
from gen_core.seeding import generator
from gen_core.types import Data

DRAWS_KEPT = 600 * 2**20
"""Bytes of drawn data that a process keeps, since hypotheses, training and measures look at the same draws."""

_draws: OrderedDict[tuple[object, int], Data] = OrderedDict()


def draw(experiment: Experiment, seed: int) -> Data:
    """One seed's data: a pure function of the data recipe and the seed.

    Raises:
        InvalidExperiment: if the draw does not have the shape that its recipe announces.
        DataMissing, DataDamaged: if it reads files that are not there, or not what they should be.
    """
    key = (experiment.data, seed)
    if key not in _draws:
        _draws[key] = _checked(experiment, experiment.data.draw(generator(experiment.data, seed, "data")))
        while len(_draws) > 1 and sum(map(_size, _draws.values())) > DRAWS_KEPT:
            _draws.popitem(last=False)
    _draws.move_to_end(key)
    return _draws[key]


def _checked(experiment: Experiment, data: Data) -> Data:
    expected = (experiment.data.n, *experiment.data.inputs)
    if tuple(data.X.shape) != expected or data.y.shape[0] != experiment.data.n:
        raise InvalidExperiment(
            f"{type(experiment.data).__name__} drew X of shape {tuple(data.X.shape)} and y of {tuple(data.y.shape)}; "
            f"expected {expected} and n={experiment.data.n} labels, as its recipe says"
        )
    return data


def _size(data: Data) -> int:
    return sum(t.nbytes for t in (data.X, data.y, data.X_test, data.y_test) if t is not None)


@dataclass(frozen=True)
class Trained:
    """Seeds of one experiment as the trainer leaves them; every array has the seed axis first.

    Attributes:
        arrays: "final.NAME" (trained parameters), "watch.NAME" (with the checkpoint axis second), "step" (the step
            that each seed ended at), "diverged" (the checkpoint at which a seed was first not finite, or -1),
            "train_loss" and "train_accuracy" at the end.
        stopped_by: per seed "steps", "loss", "accuracy", "gradient" or "diverged".
    """

    arrays: dict[str, Tensor]
    stopped_by: tuple[str, ...]

    def rows(self, index: slice) -> Trained:
        """Some of the seeds."""
        return Trained({name: array[index] for name, array in self.arrays.items()}, self.stopped_by[index])


def concatenate(parts: list[Trained]) -> Trained:
    """Blocks of seeds of one experiment as one."""
    arrays = {name: torch.cat([part.arrays[name] for part in parts]) for name in parts[0].arrays}
    return Trained(arrays, tuple(reason for part in parts for reason in part.stopped_by))


@dataclass(frozen=True)
class Run:
    """A finished experiment for a block of seeds. Tensors are on the CPU and have the seed axis first.

    Attributes:
        experiment: the recipe.
        seeds: the seed numbers, in the order of the seed axis.
        trained: what the trainer left.
    """

    experiment: Experiment
    seeds: tuple[int, ...]
    trained: Trained

    @property
    def checkpoints(self) -> tuple[int, ...]:
        """Steps of the checkpoint axis. A seed that ended earlier stays as it was at its end."""
        return self.experiment.grid

    @property
    def w(self) -> Tensor:
        """Final weights of a linear model, (seeds, d)."""
        return self.weights("w")

    def weights(self, name: str) -> Tensor:
        """A trained parameter at the end, (seeds, ...)."""
        return self._array(f"final.{name}", "trained parameter")

    def watched(self, name: str) -> Tensor:
        """A watched quantity at the checkpoints, (seeds, checkpoints, ...).

        Weights are watched as "weights.NAME". Predicted classes come as booleans (two classes) or small integers.
        """
        if name == "test_classes" and self.experiment.model.outputs == 1:
            packed = self._array("watch.test_classes", "watched quantity")
            bits = np.unpackbits(packed.numpy(), axis=-1, count=getattr(self.experiment.data, "n_test", 0))
            return torch.from_numpy(bits).bool()
        return self._array(f"watch.{name}", "watched quantity")

    @property
    def X(self) -> Tensor:  # noqa: N802
        """Training inputs, (seeds, n, *inputs), in the experiment's dtype."""
        return self._data("X").to(self.experiment.torch_dtype)

    @property
    def y(self) -> Tensor:
        """Training labels, (seeds, n)."""
        y = self._data("y")
        return y.to(self.experiment.torch_dtype) if y.is_floating_point() else y

    @property
    def X_test(self) -> Tensor:  # noqa: N802
        """Held-out inputs, (seeds, n_test, *inputs)."""
        return self._data("X_test").to(self.experiment.torch_dtype)

    @property
    def y_test(self) -> Tensor:
        """Held-out labels, (seeds, n_test)."""
        return self._data("y_test")

    def initial(self, name: str) -> Tensor:
        """A parameter at initialization, (seeds, ...), drawn again from the seeds."""
        model, inputs = self.experiment.model, self.experiment.data.inputs
        starts = [
            model.init(inputs, generator(model, s, "init"), self.experiment.torch_dtype)[name] for s in self.seeds
        ]
        return torch.stack(starts)

    @cached_property
    def endings(self) -> str:
        """What ended the seeds' trainings, in words."""
        steps, reasons = self.trained.arrays["step"], self.trained.stopped_by
        groups = {
            reason: [int(s) for s, r in zip(steps, reasons, strict=True) if r == reason]
            for reason in dict.fromkeys(reasons)
        }
        return "; ".join(f"{len(at)} by {reason} at step {_span(at)}" for reason, at in groups.items())

    def require_finite(self) -> None:
        """Refuse a run in which a seed left the finite numbers.

        Raises:
            Unfinished: naming the seeds and the checkpoint by which it had happened.
        """
        lost = [(s, int(at)) for s, at in zip(self.seeds, self.trained.arrays["diverged"], strict=True) if at >= 0]
        if lost:
            seeds = ", ".join(f"seed {s} by step {at}" for s, at in lost[:4]) + (" ..." if len(lost) > 4 else "")
            raise Unfinished(
                f"training diverged: the loss is not finite for {len(lost)} of {len(self.seeds)} seeds ({seeds}); "
                f"expected a finite loss (rate {self.experiment.rule.rate:g})"
            )

    def _array(self, name: str, kind: str) -> Tensor:
        try:
            return self.trained.arrays[name]
        except KeyError:
            known = sorted(n.split(".", 1)[1] for n in self.trained.arrays if n.startswith(name.split(".")[0] + "."))
            wanted = name.split(".", 1)[1]
            raise InvalidExperiment(
                f"{kind} {wanted!r} is not in this run; it has {', '.join(known) or 'none'}"
            ) from None

    def _data(self, name: str) -> Tensor:
        parts = [getattr(draw(self.experiment, seed), name) for seed in self.seeds]
        if parts[0] is None:
            raise InvalidExperiment(
                f"{type(self.experiment.data).__name__} holds no {name}; give it n_test held-out points"
            )
        return torch.stack(parts)


@dataclass(frozen=True)
class Runs:
    """The runs of a comparison (by arm) or of a sweep (in the order of its axis), over the same seeds."""

    runs: dict[str, Run]
    x: tuple[float, ...] = ()

    def __getitem__(self, arm: str) -> Run:
        """The run of one arm."""
        try:
            return self.runs[arm]
        except KeyError:
            raise InvalidExperiment(f"arm {arm!r} is not in this setting; it has {', '.join(self.runs)}") from None

    def __iter__(self) -> Iterator[Run]:
        """The runs, in order."""
        return iter(self.runs.values())

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed numbers that all runs share."""
        return next(iter(self)).seeds

    def measure(self, measure: Callable[[Run], Tensor]) -> Tensor:
        """A measure at every point of a sweep, (points, seeds)."""
        return torch.stack([measure(run) for run in self])


def check_data(experiment: Experiment) -> str:
    """Digest of the files that the data recipe reads, "" if it reads none.

    Raises:
        DataMissing, DataDamaged: if they cannot be read.
    """
    source = getattr(experiment.data, "source", None)
    return source() if callable(source) else ""


def _span(values: list[int]) -> str:
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)} to {max(values)}"
