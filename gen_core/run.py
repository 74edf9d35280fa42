"""The finished runs that measures take: weights, trajectories and data of a block of seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import overload

import numpy as np
import torch
from torch import Tensor

from gen_core.errors import BrokenTraining, InvalidExperiment, Unfinished
from gen_core.experiment import Experiment
from gen_core.models import Model
from gen_core.settings import Setting, Sweep, experiments
from gen_core.training.draws import initial_parameters, sample_data
from gen_core.training.replicas import mark
from gen_core.training.result import TrainingResult
from gen_core.types import Data, Measured


@dataclass(frozen=True)
class Mutation:
    """A wrong measure in place of a claim's own: the control of an identity, which has no hypothesis to drop.

    Attributes:
        name: its name in ids and messages.
        statement: what is measured instead.
    """

    name: str
    statement: str


@dataclass(frozen=True, repr=False)
class Run:
    """A finished experiment for a block of seeds. All tensors are on the CPU, with the seed axis first.

    Attributes:
        experiment: the recipe.
        seeds: the seed numbers, in the order of the seed axis.
        result: the trainer's result.
        mutation: name of the mutation that this control applies, "" in all other cases.
    """

    experiment: Experiment
    seeds: tuple[int, ...]
    result: TrainingResult
    mutation: str = ""

    def __repr__(self) -> str:
        """One line, short enough for a traceback."""
        return f"<Run of {self.experiment.label()}, seeds {self.seeds[0]} to {self.seeds[-1]}>"

    def mutated_by(self, mutation: Mutation) -> bool:
        """Whether this is the control in which the claim's measure is to be mutated so."""
        return self.mutation == mutation.name

    @property
    def checkpoints(self) -> tuple[int, ...]:
        """Steps of the checkpoint axis. A seed that stopped early repeats its last values."""
        return self.experiment.grid

    @property
    def w(self) -> Tensor:
        """Final weights of a linear model, (seeds, d)."""
        return self.weights("w")

    def weights(self, name: str) -> Tensor:
        """A trained parameter at the end of training, (seeds, ...)."""
        if not self.experiment.steps and name in self.model.trainable:
            return self.initial(name)
        return self._array(f"final.{name}", "trained parameter")

    @property
    def model(self) -> Model:
        """The model.

        Raises:
            InvalidExperiment: if the experiment has none.
        """
        if self.experiment.model is None:
            raise InvalidExperiment(f"{self.experiment.label()} has no model; expected one, for its parameters")
        return self.experiment.model

    @property
    def parameters(self) -> dict[str, Tensor]:
        """All trained parameters at the end of training, name -> (seeds, ...)."""
        return {name: self.weights(name) for name in self.model.trainable}

    def outputs(self, X: Tensor) -> Tensor:
        """Outputs of the trained networks on X, (seeds, n, *inputs): float64, (seeds, n) or (seeds, n, C)."""
        params = self.parameters
        for name in (
            initial_parameters(self.experiment, self.seeds[0]).keys() - params.keys()
        ):  # what is drawn and not trained
            params[name] = self._drawn(name)
        return self.model.forward(params, X).double()

    def watched(self, name: str) -> Tensor:
        """A watched quantity at the checkpoints, (seeds, checkpoints, ...).

        A watched weight is called "weights.NAME". Predicted classes are booleans (two classes) or small integers.
        """
        if name == "test_classes" and self.model.outputs == 1:
            packed = self._array("watch.test_classes", "watched quantity")
            bits = np.unpackbits(packed.numpy(), axis=-1, count=self.experiment.n_test)
            return torch.from_numpy(bits).bool()
        return self._array(f"watch.{name}", "watched quantity")

    @property
    def train_loss(self) -> Tensor:
        """Mean loss over the training set at the end of training, (seeds,)."""
        return self._array("train_loss", "quantity")

    @property
    def train_accuracy(self) -> Tensor:
        """Accuracy over the training set at the end of training, (seeds,); see `gen_core.losses.right`."""
        return self._array("train_accuracy", "quantity")

    @property
    def steps_taken(self) -> Tensor:
        """Steps that each seed took, (seeds,)."""
        return self.result.arrays["step"]

    @property
    def X(self) -> Tensor:
        """Training inputs, (seeds, n, *inputs), in the experiment's dtype."""
        return self._data("X").to(self.experiment.torch_dtype)

    @property
    def y(self) -> Tensor:
        """Training labels, (seeds, n)."""
        y = self._data("y")
        return y.to(self.experiment.torch_dtype) if y.is_floating_point() else y

    @property
    def X_test(self) -> Tensor:
        """Held-out inputs, (seeds, n_test, *inputs)."""
        return self._data("X_test").to(self.experiment.torch_dtype)

    @property
    def y_test(self) -> Tensor:
        """Held-out labels, (seeds, n_test)."""
        return self._data("y_test")

    def initial(self, name: str) -> Tensor:
        """A parameter at initialization, (seeds, ...), drawn again from the seeds."""
        if self.experiment.after is not None:
            raise InvalidExperiment(
                f"initial {name!r} of a training after another one, which is not kept; expected a run from a draw "
                "(watch 'weights', which are at step 0 what it starts from)"
            )
        return self._drawn(name)

    def _drawn(self, name: str) -> Tensor:
        value = torch.stack([initial_parameters(self.experiment, seed)[name] for seed in self.seeds])
        self._require_drawn(name, value)
        return value

    @cached_property
    def endings(self) -> str:
        """What stopped each seed's training, in words; empty where nothing was trained."""
        if not self.experiment.steps:
            return ""
        steps, reasons = self.result.arrays["step"], self.result.stopped_by
        groups = {
            reason: [int(s) for s, r in zip(steps, reasons, strict=True) if r == reason]
            for reason in dict.fromkeys(reasons)
        }
        return "; ".join(f"{len(at)} by {reason} at step {_span(at)}" for reason, at in groups.items())

    def require_finite(self) -> None:
        """Check that no seed diverged.

        Raises:
            Unfinished: if the loss of a seed is not finite, naming the seeds and the checkpoint where it was noticed.
        """
        if not self.experiment.steps or self.experiment.rule is None:
            return
        lost = [(s, int(at)) for s, at in zip(self.seeds, self.result.arrays["diverged"], strict=True) if at >= 0]
        if lost:
            seeds = ", ".join(f"seed {s} by step {at}" for s, at in lost[:4]) + (" ..." if len(lost) > 4 else "")
            raise Unfinished(
                f"training diverged: the loss is not finite for {len(lost)} of {len(self.seeds)} seeds ({seeds}); "
                f"expected a finite loss (rate {self.experiment.rule.rate:g})"
            )

    def _array(self, name: str, kind: str) -> Tensor:
        try:
            return self.result.arrays[name]
        except KeyError:
            wanted = name.removeprefix("final.").removeprefix("watch.")
            if not self.experiment.steps:
                raise InvalidExperiment(f"{kind} {wanted!r} of a run that trains nothing; expected steps") from None
            family = name.partition(".")[0] + "."
            known = sorted(n.removeprefix(family) for n in self.result.arrays if n.startswith(family))
            raise InvalidExperiment(
                f"{kind} {wanted!r} is not in this run; it has {', '.join(known) or 'none'}"
            ) from None

    def _data(self, name: str) -> Tensor:
        drawn = [sample_data(self.experiment, seed) for seed in self.seeds]
        parts = [getattr(data, name) for data in drawn]
        if parts[0] is None:
            raise InvalidExperiment(
                f"{type(self.experiment.data).__name__} holds no {name}; give it n_test held-out points"
            )
        value = torch.stack(parts)
        for field in fields(Data):
            self._require_drawn(field.name, value if field.name == name else [getattr(d, field.name) for d in drawn])
        return value

    def _require_drawn(self, name: str, value: Tensor | list[Tensor]) -> None:
        """Check that each seed was trained on what is measured of it.

        Raises:
            BrokenTraining: naming a seed.
        """
        for seed, was, row in zip(self.seeds, self.result.arrays.get(f"drawn.{name}", ()), value, strict=False):
            if mark(row) != int(was):
                raise BrokenTraining(
                    f"{name} of seed {seed} is not what it was trained with; expected the same draw in both "
                    f"({self.experiment.label()})"
                )


@dataclass(frozen=True)
class Runs:
    """The runs of a comparison (by arm) or of a sweep (in the order of its axis), on the same seeds.

    Attributes:
        runs: label -> run.
        x: the values of a sweep's axis; empty for arms.
    """

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

    def mutated_by(self, mutation: Mutation) -> bool:
        """Whether this is the control in which the claim's measure is to be mutated so."""
        return next(iter(self)).mutated_by(mutation)

    @overload
    def measure(self, measure: Callable[[Run], Tensor]) -> Tensor: ...
    @overload
    def measure(self, measure: Callable[[Run], Measured]) -> Measured: ...
    @overload
    def measure(self, measure: Callable[[Run], Tensor | Measured]) -> Tensor | Measured: ...
    def measure(self, measure: Callable[[Run], Tensor | Measured]) -> Tensor | Measured:
        """A measure in every setting, (settings, seeds); `Measured` where the seeds share their held-out points.

        Raises:
            InvalidExperiment: if they do in some settings and not in others.
        """
        found = [measure(run) for run in self]
        shared = [each for each in found if isinstance(each, Measured)]
        if not shared:
            return torch.stack([each for each in found if isinstance(each, Tensor)])
        if len(shared) < len(found):
            raise InvalidExperiment(
                f"seeds share held-out points in {len(shared)} of {len(found)} settings; expected all settings or none"
            )
        values, resampled = [each.values for each in shared], [each.resampled for each in shared]
        return Measured(torch.stack(values), torch.stack(resampled, 1))


def joined(setting: Setting, runs: Sequence[Run]) -> Run | Runs:
    """The runs of a setting's experiments, in its order, as a claim takes them: one `Run`, or `Runs`."""
    if isinstance(setting, Experiment):
        return runs[0]
    x = tuple(at for at, _ in setting.points) if isinstance(setting, Sweep) else ()
    return Runs(dict(zip(experiments(setting), runs, strict=True)), x)


def _span(values: list[int]) -> str:
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)} to {max(values)}"
