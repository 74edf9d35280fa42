"""Labels from another training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from gen_core.checks import check_flag
from gen_core.errors import InvalidExperiment, Unfinished
from gen_core.experiment import Experiment
from gen_core.losses import classes
from gen_core.recipe import brief
from gen_core.training.teachers import provide_teachers
from gen_core.training.trainer import train_rows
from gen_core.types import Data, Dataset, OnPoints


@dataclass(frozen=True)
class LabelledBy(OnPoints):
    """The points of a data set with the predictions of a trained network as labels, held-out points included.

    Each seed's points are labelled by the teacher of the same seed. The teacher is part of the key and of the plan, and
    is trained once; a lab keeps it in its store.

    Attributes:
        data: the data set whose points are labelled.
        teacher: the training whose final network labels them. With `steps` 0 it is the network at its start.
        outputs: label by the network's outputs (real targets) in place of its classes, -1.0 and +1.0 or int64.

    Raises:
        InvalidExperiment: if the teacher has no model, or takes other inputs.
    """

    teacher: Experiment
    outputs: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.data, Dataset):
            raise InvalidExperiment(f"data {brief(self.data)}; expected a data set, with n, inputs and draw")
        if not isinstance(self.teacher, Experiment) or self.teacher.model is None:
            raise InvalidExperiment(f"teacher {brief(self.teacher)}; expected an Experiment with a model")
        check_flag("outputs", self.outputs)
        if self.teacher.data.inputs != self.inputs:
            raise InvalidExperiment(f"teacher on inputs {self.teacher.data.inputs}; expected {self.inputs}")

    @property
    def targets(self) -> tuple[int, ...]:
        """Shape of one label: (C,) for C outputs, () otherwise."""
        model = self.teacher.model
        return (model.outputs,) if self.outputs and model is not None and model.outputs > 1 else ()

    def draw(self, generator: Generator) -> Data:
        """Refused: a teacher belongs to a seed, which a generator does not tell.

        Raises:
            InvalidExperiment: always. Use the data of a run, or `sample_data`.
        """
        raise InvalidExperiment("draw of LabelledBy; expected a run's data, as its teacher is that of the run's seed")

    def label(self, data: Data, predict: Callable[[Tensor], Tensor]) -> Data:
        """The points of a draw with the teacher's labels.

        Args:
            data: the draw of `data` of a seed.
            predict: the seed's teacher: points, (n, *inputs), to outputs, (1, n) or (1, n, C).

        Raises:
            Unfinished: if outputs are not finite.
        """

        def labels(X: Tensor) -> Tensor:
            f = predict(X)
            if not bool(f.isfinite().all()):
                raise Unfinished(f"teacher {self.teacher.label()} has outputs that are not finite; expected labels")
            predicted = f if self.outputs else classes(f)
            return (2.0 * predicted.double() - 1 if predicted.dtype == torch.bool else predicted)[0]

        X_test = data.X_test
        return data.but(y=labels(data.X), y_test=None if X_test is None else labels(X_test))


def train_alone(teacher: Experiment, seed: int) -> dict[str, Tensor]:
    """Final values of one seed's trained parameters, trained here and now on the CPU."""
    [(_, trained)] = train_rows([(teacher, seed)], torch.device("cpu"))
    return trained.finals(0)


provide_teachers(train_alone)
