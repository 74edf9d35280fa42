"""Numbers of what each seed draws, which need no training."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor

from gen_core.experiment import Experiment
from gen_core.run import Run
from gen_core.training.parts import measuring, work_of_pairs
from gen_core.training.result import TrainingResult


def of_each_draw(number: Callable[..., float], run: Run, *args: float, kernel: bool = False) -> Tensor:
    """A number of each seed's data and initial parameters, (seeds,) in float64; computed once a process.

    Claims, controls and figures ask for the same one, and of a run without a training no measure is kept.

    Args:
        number: a function of a module, (run of one seed, *args) -> float, of what the seed draws alone.
        run: the run.
        args: further arguments of the function.
        kernel: whether it is of a kernel on the training points, and computed on the measuring device.
    """
    work = work_of_pairs(run.experiment) if kernel else 0
    values = [_of_draw(number, work, run.experiment, seed, *args) for seed in run.seeds]
    return torch.tensor(values, dtype=torch.float64)


@lru_cache(maxsize=16384)
def _of_draw(number: Callable[..., float], work: int, experiment: Experiment, seed: int, *args: float) -> float:
    with measuring(work):
        return number(Run(experiment, (seed,), TrainingResult({}, ())), *args)
