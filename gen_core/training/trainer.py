"""The trainer: seeds of experiments with equal batch keys, trained as one batch with a leading row axis.

A row is one (experiment, seed). Its data, its initialization and the order of its batches are drawn from its own
generators, so that they do not depend on the other rows; a row trained in a batch agrees with the same row trained
alone up to floating-point rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from gen_core.errors import Unfinished
from gen_core.training.batch import Batch, Replica
from gen_core.training.device import memory_budget
from gen_core.training.independence import require_independent
from gen_core.training.memory import memory_of
from gen_core.training.points import Pools
from gen_core.training.result import TrainingResult
from gen_core.training.streams import OwnNumbers

NO_MEMORY = ("can't allocate memory", "_STATUS_ALLOC_FAILED", "CUDA error: out of memory")
"""What plain RuntimeErrors say where memory is out: torch on a CPU, CUDA's libraries, and the driver."""

Report = Callable[[int, int], None]


def train_rows(
    rows: Sequence[Replica], device: torch.device, report: Report = lambda step, steps: None
) -> Iterator[tuple[list[Replica], TrainingResult]]:
    """Train rows with equal batch keys, as many at a time as the device's memory budget allows.

    Args:
        rows: experiments with equal `batch_key()`, each with a seed.
        device: where to train.
        report: called at intervals with the steps done and the total number of steps, summed over all rows.

    Yields:
        The rows of a finished batch, and their result in the same order, on the CPU.

    Raises:
        Unfinished: if a single row does not fit into memory.
        InvalidExperiment: if a draw does not have the declared shapes, or has labels that the model has no output for;
            if code mixes rows, or draws from a generator that the whole process shares.
    """
    memory = memory_of(rows[0][0], device.type)
    fit = max(1, (memory_budget(device) - memory.batch) // memory.seed)
    pools = Pools(device)
    waiting = [list(rows[i : i + fit]) for i in range(0, len(rows), fit)]
    steps, done = rows[0][0].steps_in_all, 0
    who = "the training of " + " by ".join(type(part).__name__ for part in rows[0][0].parts[:2])
    while waiting:
        batch = waiting.pop(0)

        def reached(step: int, before: int = done, beside: list[Replica] = batch) -> None:
            report(before + len(beside) * step, len(rows) * steps)

        try:
            require_independent(batch, device, pools)
            with OwnNumbers(who):
                trained = Batch(batch, device, pools).train(reached)
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            if len(batch) == 1:
                experiment, seed = batch[0]
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                raise Unfinished(
                    f"out of memory: seed {seed} of {experiment.label()} alone, an estimated "
                    f"{sum(memory) / 2**20:.0f} MiB; expected one seed to fit ({reason})"
                ) from error
            trained = None
        if trained is None:  # the error, and with it what the failed training held, is gone
            half = len(batch) // 2
            waiting[:0] = [batch[:half], batch[half:]]
            torch.cuda.empty_cache()
            continue
        done += len(batch) * steps
        yield batch, trained


def _out_of_memory(error: BaseException) -> bool:
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(words in str(error) for words in NO_MEMORY)
