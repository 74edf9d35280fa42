"""The finished runs that measures take: networks, trajectories and data of a block of seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import torch
from torch import Generator, Tensor

from gen_core.checks import check_tensor, check_words
from gen_core.errors import InvalidExperiment
from gen_core.experiment import Experiment
from gen_core.finished import Finished, Origin
from gen_core.losses import loss_of_points, mean_loss, right
from gen_core.models.contract import evaluated
from gen_core.recipe import brief
from gen_core.schedule import AtLoss
from gen_core.settings import Setting, Sweep, experiments
from gen_core.training.draws import known_start
from gen_core.training.parts import measuring, of_seeds, outputs_in_parts, work_of_passes
from gen_core.training.result import TrainingResult
from gen_core.training.seeding import generator
from gen_core.types import Measured


@dataclass(frozen=True)
class Mutation:
    """A wrong measure in place of a claim's own: the control of an identity, which has no hypothesis to drop.

    Attributes:
        name: its name in ids and messages.
        statement: what is measured instead.
    """

    name: str
    statement: str

    def __post_init__(self) -> None:
        check_words("name of a mutation", self.name)
        check_words(f"statement of the mutation {self.name}", self.statement)


@dataclass(frozen=True, repr=False)
class Run(Finished):
    """A finished experiment for a block of seeds. All tensors are on the CPU, with the seed axis first.

    Attributes:
        experiment: the recipe.
        seeds: the seed numbers, in the order of the seed axis.
        result: the trainer's result.
        mutation: name of the mutation that this control applies, "" in all other cases.
        origin: where the run is from; None for one that is made by hand, or at other weights.
    """

    mutation: str = ""
    origin: Origin | None = None

    def mutated_by(self, mutation: Mutation) -> bool:
        """Whether this is the control in which the claim's measure is to be mutated so."""
        return self.mutation == mutation.name

    @property
    def w(self) -> Tensor:
        """Final weights of a linear model, (seeds, d)."""
        return self.weights("w")

    def weights(self, name: str) -> Tensor:
        """A trained parameter at the end of training, (seeds, ...)."""
        final = self.result.arrays.get(f"final.{name}")
        if final is None and not self.experiment.steps and name in self.model.trainable:
            return self.initial(name)
        if final is None and name in known_start(self.experiment, self.seeds[0]):
            raise InvalidExperiment(f"parameter {name!r} is not trained; use run.initial({name!r}) or run.params()")
        return self._array(f"final.{name}", "trained parameter")

    @property
    def parameters(self) -> dict[str, Tensor]:
        """All trained parameters at the end of training, name -> (seeds, ...)."""
        return {name: self.weights(name) for name in self.model.trainable}

    def params(self, at: float | str | None = None) -> dict[str, Tensor]:
        """All parameters, trained or not, name -> (seeds, ...).

        Args:
            at: None for the end of training, "start" or 0 for its start; if "weights" are watched, another step of the
                checkpoints, or with `AtLoss` one of its levels.

        Raises:
            InvalidExperiment: if the weights of then are not kept.
            Unfinished: with `AtLoss`, if a seed has not reached this level.
        """
        checkpoints, arrays = self.experiment.checkpoints, self.result.arrays
        if at is None:
            names = known_start(self.experiment, self.seeds[0])
            others = [name for name in names if f"final.{name}" not in arrays]
            drawn = self._drawn(*others) if others else {}
            return {name: drawn[name] if name in drawn else arrays[f"final.{name}"] for name in names}
        if at in ("start", 0) and self.experiment.after is None:
            return self._drawn()
        places = checkpoints.levels if isinstance(checkpoints, AtLoss) else self.experiment.grid
        at = 0 if at == "start" else at
        if at not in places:
            some = ", ".join(map(str, places[:8])) + (" ..." if len(places) > 8 else "")
            raise InvalidExperiment(f"parameters at {at!r}; expected 'start', or a checkpoint: {some}")
        place = places.index(at)
        weights = {name: self._recorded(f"weights.{name}")[:, place] for name in self.model.trainable}
        if isinstance(checkpoints, AtLoss):
            self._require_level(checkpoints, place)
        return self._drawn() | weights

    def outputs(self, X: Tensor, at: float | str | None = None) -> Tensor:
        """Outputs of the networks on X, (seeds, n, *inputs): float64, (seeds, n) or (seeds, n, C); `at` as in `params`.

        Raises:
            InvalidExperiment: if X has another shape, or as `params`.
        """
        check_tensor("inputs", X)
        if X.shape[:1] != (len(self.seeds),) or X.dim() < 2 or X.shape[2:] != self.experiment.data.inputs:
            expected = ", ".join(map(str, (len(self.seeds), "n", *self.experiment.data.inputs)))
            raise InvalidExperiment(f"inputs of shape {tuple(X.shape)}; expected ({expected})")
        model, params = evaluated(self.model, self.params(at), lambda: self.X)
        return outputs_in_parts(model, params, X, self.experiment.torch_dtype).double()

    def train_outputs(self, at: float | str | None = None) -> Tensor:
        """`outputs` on the training points, float64 (seeds, n[, C]), in bounded memory; see `over_points`."""
        return self._outputs_at_points(at, held_out=False)

    def test_outputs(self, at: float | str | None = None) -> Tensor:
        """`outputs` on the held-out points, float64 (seeds, n_test[, C]), in bounded memory; see `over_points`."""
        return self._outputs_at_points(at, held_out=True)

    def _outputs_at_points(self, at: float | str | None, *, held_out: bool) -> Tensor:
        model, params = evaluated(self.model, self.params(at), lambda: self.X)

        def forward(rows: slice, X: Tensor, _: Tensor) -> Tensor:
            return model.forward(of_seeds(params, rows), X)

        with measuring(work_of_passes(self.experiment)):
            return self.over_points(forward, held_out=held_out).double()

    def losses(self, X: Tensor, y: Tensor) -> Tensor:
        """Loss of each point of X, (seeds, n, *inputs), with labels y, (seeds, n, *targets): float64, (seeds, n).

        Raises:
            InvalidExperiment: if the loss is a `WholeLoss`, or as `outputs`.
        """
        check_tensor("labels", y)
        return loss_of_points(self.experiment.parts.loss).per_point(self.outputs(X), _doubled(y))

    def streams(self, name: str) -> list[Generator]:
        """One CPU generator per seed for a measure's own randomness, at its beginning at every call.

        A stream depends on its name and its seed alone: arms of a comparison have it in common.
        """
        return [generator(("measure", name), seed, "measure") for seed in self.seeds]

    def at(self, params: Mapping[str, Tensor]) -> Run:
        """The same run at other weights, for all measures of parameters, outputs and losses.

        Losses over the training set are computed there; what was watched, the steps and the endings are not there.

        Args:
            params: the parameters to replace, trained or not, name -> (seeds, ...).

        Raises:
            InvalidExperiment: if one is not of this model, or has another shape.
        """
        own = self.params()
        if not isinstance(params, Mapping):
            raise InvalidExperiment(f"run at {brief(params)}; expected name -> tensor, of {', '.join(own)}")
        for name, value in params.items():
            check_tensor(f"parameter {name!r}", value)
            if name not in own or value.shape != own[name].shape:
                expected = ", ".join(f"{known} {tuple(each.shape)}" for known, each in own.items())
                raise InvalidExperiment(f"parameter {name!r} of shape {tuple(value.shape)}; expected {expected}")
        moved = {f"final.{name}": params.get(name, value).detach().to(value.dtype) for name, value in own.items()}
        drawn = {name: value for name, value in self.result.arrays.items() if name.startswith("drawn")}
        return _Elsewhere(self.experiment, self.seeds, TrainingResult(drawn | moved, ()), self.mutation)

    @property
    def train_loss(self) -> Tensor:
        """Loss over the training set at the end of training, (seeds,)."""
        return self._array("train_loss", "quantity")

    @property
    def train_accuracy(self) -> Tensor:
        """Accuracy over the training set at the end of training, (seeds,); see `gen_core.losses.right`."""
        return self._array("train_accuracy", "quantity")


class _Elsewhere(Run):
    """A run at other weights than its training ended with."""

    @property
    def train_loss(self) -> Tensor:
        loss = mean_loss(self.experiment.parts.loss, self.train_outputs(), _doubled(self.y))
        return loss.to(self.experiment.torch_dtype)

    @property
    def train_accuracy(self) -> Tensor:
        return right(self.train_outputs(), self.y).double().mean(1).to(self.experiment.torch_dtype)

    @property
    def diverged(self) -> Tensor:
        return self._array("diverged", "quantity")

    @cached_property
    def endings(self) -> str:
        return "at other weights than its end"

    def _lacks(self, name: str, kind: str) -> str:
        return f"{kind} {name.removeprefix('watch.')!r} of a run at other weights; expected the run itself"


def _doubled(y: Tensor) -> Tensor:
    return y.double() if y.is_floating_point() else y


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

    def __len__(self) -> int:
        """Number of runs."""
        return len(self.runs)

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
        for each, name in zip(found, self.runs, strict=True):
            if not isinstance(each, Measured):
                check_tensor(f"measure of {name}", each)
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
