"""The result of training a block of seeds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TrainingResult:
    """The result of training seeds of one experiment; every array is on the CPU, with the seed axis first.

    Attributes:
        arrays: "final.NAME" (trained parameters, if a step was taken), "watch.NAME" (with the checkpoint axis second),
            "step" (the steps that each seed took), "diverged" (the step at which a seed was found not finite, or -1),
            "train_loss" and "train_accuracy" at the end (for real targets, the share of correct signs), "drawn.NAME"
            (digests of the data and the parameters that each seed began with, as they were on the device), "drawn" (of
            every bit of them as they were drawn, (seeds, 2); see `gen_core.training.draws.begins_with`).
        stopped_by: per seed "steps", "loss", "accuracy", "gradient" or "diverged".
    """

    arrays: dict[str, Tensor]
    stopped_by: tuple[str, ...]

    def finals(self, row: int) -> dict[str, Tensor]:
        """Final values of one seed's trained parameters, by name."""
        return {name[6:]: value[row] for name, value in self.arrays.items() if name.startswith("final.")}

    def rows(self, index: slice | list[int]) -> TrainingResult:
        """Some of the seeds, by a slice or in the order of their places."""
        places = range(len(self.stopped_by))[index] if isinstance(index, slice) else index if self.stopped_by else ()
        reasons = tuple(self.stopped_by[place] for place in places)
        return TrainingResult({name: array[index] for name, array in self.arrays.items()}, reasons)


def concatenate(parts: list[TrainingResult]) -> TrainingResult:
    """Join results of several blocks of seeds of one experiment."""
    arrays = {name: torch.cat([part.arrays[name] for part in parts]) for name in parts[0].arrays}
    return TrainingResult(arrays, tuple(reason for part in parts for reason in part.stopped_by))
