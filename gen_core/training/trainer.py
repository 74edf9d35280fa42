"""Trains blocks of seeds, and same-shaped experiments with them, as one batch with a leading row axis.

A row is one (experiment, seed). What a row sees (its data, its initialization, the order of its batches) is drawn from
its own generators, so that it does not depend on the rows beside it; the arithmetic of a batch agrees with that of a
row alone to float rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from gen_core.errors import Unfinished
from gen_core.training.batch import Batch, Replica
from gen_core.training.cost import cost
from gen_core.training.device import memory_budget
from gen_core.training.result import TrainingResult

Report = Callable[[int, int], None]


def train(
    rows: Sequence[Replica], device: torch.device, report: Report = lambda step, steps: None
) -> Iterator[tuple[list[Replica], TrainingResult]]:
    """Train rows of one form, as many at a time as the device's memory budget holds.

    Args:
        rows: experiments of equal `batch_key()`, each with a seed.
        device: where to train.
        report: called now and then with the steps done and the steps there are, over all rows.

    Yields:
        The rows of a finished batch, and what was trained, in their order, on the CPU.

    Raises:
        Unfinished: if a single row does not fit into memory.
        InvalidExperiment: if a draw is not what its recipe announces, or has labels that the model has no output for.
    """
    fit = max(1, memory_budget(device) // cost(rows[0][0]).memory)
    waiting = [list(rows[i : i + fit]) for i in range(0, len(rows), fit)]
    steps, done = rows[0][0].steps_in_all, 0
    while waiting:
        batch = waiting.pop(0)

        def reached(step: int, before: int = done, beside: list[Replica] = batch) -> None:
            report(before + len(beside) * step, len(rows) * steps)

        try:
            trained = Batch(batch, device).train(reached)
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            if len(batch) == 1:
                experiment, seed = batch[0]
                said = (str(error).splitlines() or [type(error).__name__])[0]
                raise Unfinished(
                    f"out of memory: seed {seed} of {experiment.label()}, {cost(experiment).memory / 2**20:.0f} MiB by "
                    f"estimate, does not fit alone; expected it to ({said})"
                ) from error
            half = len(batch) // 2
            waiting[:0] = [batch[:half], batch[half:]]
            continue
        done += len(batch) * steps
        yield batch, trained


def _out_of_memory(error: BaseException) -> bool:
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)
