"""Trains blocks of seeds, and same-shaped experiments with them, as one batch with a leading row axis.

A row is one (experiment, seed). What a row sees (its data, its initialization, the order of its batches) is drawn from its
own generators, so that it does not depend on the rows beside it; the arithmetic of a batch agrees with that of a row
alone to float rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from gen_core.device import memory_budget
from gen_core.errors import Unfinished
from gen_core.experiment import Experiment, cost
from gen_core.losses import classes, right
from gen_core.newton import newton_step
from gen_core.rules import Newton
from gen_core.run import Trained, draw
from gen_core.seeding import generator

Row = tuple[Experiment, int]
Report = Callable[[int, int], None]

SEGMENT = 2**16
"""Batch indices that are drawn at a time where points are drawn with replacement; a part of the random stream."""

EVALUATED = 4096
"""Points of one forward pass without gradients."""


def train(
    rows: Sequence[Row], device: torch.device, report: Report = lambda step, steps: None
) -> Iterator[tuple[list[Row], Trained]]:
    """Train rows of one form, as many at a time as the device's memory budget holds.

    Args:
        rows: experiments of equal `form()`, each with a seed.
        device: where to train.
        report: called now and then with the steps done and the steps there are, over all rows.

    Yields:
        The rows of a finished batch, and what was trained, in their order, on the CPU.

    Raises:
        Unfinished: if a single row does not fit into memory.
    """
    fit = max(1, memory_budget(device) // max(1, cost(rows[0][0]).memory))
    waiting = [list(rows[i : i + fit]) for i in range(0, len(rows), fit)]
    total, done = len(rows) * rows[0][0].steps, 0
    while waiting:
        batch = waiting.pop(0)
        try:
            trained = _Batch(batch, device).train(
                lambda step, size=len(batch), before=done: report(before + size * step, total)
            )
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            if len(batch) == 1:
                raise Unfinished(
                    f"out of memory: one seed of {batch[0][0].label()} does not fit ({_first_line(error)})"
                ) from error
            waiting[:0] = [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
            continue
        done += len(batch) * batch[0][0].steps
        yield batch, trained


def _out_of_memory(error: BaseException) -> bool:
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


class _Batch:
    """The state of one batch of rows while it trains."""

    def __init__(self, rows: list[Row], device: torch.device) -> None:
        self.experiment = experiment = rows[0][0]
        self.rows, self.device, dtype = rows, device, experiment.torch_dtype
        data = [draw(e, seed) for e, seed in rows]
        self.X = torch.stack([d.X for d in data]).to(device, dtype)
        self.y = self._labels([d.y for d in data])
        held_out = [d.X_test for d in data if d.X_test is not None]
        self.X_test = torch.stack(held_out).to(device, dtype) if "test_classes" in experiment.watch else None
        starts = [e.model.init(e.data.inputs, generator(e.model, seed, "init"), dtype) for e, seed in rows]
        self.params = {name: torch.stack([s[name] for s in starts]).to(device) for name in starts[0]}
        self.trained = {name: self.params[name] for name in experiment.model.trained}
        self.rate = torch.tensor([e.rule.rate for e, _ in rows], dtype=dtype, device=device)
        self.ended_at = torch.full((len(rows),), experiment.steps, dtype=torch.int64)
        self.diverged = torch.full((len(rows),), -1, dtype=torch.int64)
        self.stopped_by = ["steps"] * len(rows)
        self.watched: dict[str, list[Tensor]] = {}

    def train(self, report: Callable[[int], None]) -> Trained:
        experiment, rule = self.experiment, self.experiment.rule
        state = rule.start(self.trained)
        checkpoints, looks = set(experiment.grid), self._looks()
        batches = self._batches()
        self._look(0, checkpoints, looks)
        step, over = 0, False
        for step in range(1, experiment.steps + 1):
            norm = self._step(state, next(batches))
            if norm is not None and experiment.stop.gradient is not None:
                self._end(step, norm <= experiment.stop.gradient, "gradient")
            if step in checkpoints or step in looks:
                self._look(step, checkpoints, looks)
                over = not bool((self.rate > 0).any())
            if over or step % 64 == 0:
                report(step)
            if over:
                break
        missing = sum(at > step for at in checkpoints)
        for values in self.watched.values():
            values.extend(values[-1:] * missing)
        return self._result()

    def _step(self, state: dict, batch: tuple[Tensor, Tensor]) -> Tensor | None:
        """One update of every row; the gradient's norm per row, (rows,), where the stop rule asks for it."""
        experiment, (X, y) = self.experiment, batch
        if isinstance(experiment.rule, Newton):
            return newton_step(self.params, X, y, experiment.loss, experiment.rule.l2, self.rate)
        for value in self.trained.values():
            value.requires_grad_(True)
        loss = experiment.loss.per_point(experiment.model.forward(self.params, X), y).mean(1)
        gradients = torch.autograd.grad(loss.sum(), list(self.trained.values()))
        for value in self.trained.values():
            value.requires_grad_(False)
        grads = dict(zip(self.trained, gradients, strict=True))
        experiment.rule.update(self.trained, grads, state, self.rate)
        if experiment.stop.gradient is None:
            return None
        return torch.stack([g.flatten(1).square().sum(1) for g in gradients]).sum(0).sqrt()

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Each step's points, (rows, batch, *inputs), and labels.

        Without replacement every pass is a fresh permutation, cut into whole batches: the n mod batch points at its end
        are left out of that pass.
        """
        rule, count = self.experiment.rule, len(self.rows)
        if rule.batch is None:
            while True:
                yield self.X, self.y
        n, size = self.experiment.data.n, rule.batch
        order = [generator((n, size, rule.replacement), seed, "order") for _, seed in self.rows]
        points, labels = self.X.flatten(0, 1), self.y.flatten(0, 1)
        offset = (torch.arange(count, device=self.device) * n)[:, None, None]
        length = max(1, SEGMENT // size) if rule.replacement else n // size
        while True:
            if rule.replacement:
                drawn = [torch.randint(n, (length, size), generator=g) for g in order]
            else:
                drawn = [torch.randperm(n, generator=g)[: length * size].view(length, size) for g in order]
            index = torch.stack(drawn).to(self.device) + offset
            for at in range(length):
                flat = index[:, at].reshape(-1)
                X = points.index_select(0, flat).view(count, size, *self.experiment.data.inputs)
                yield X, labels.index_select(0, flat).view(count, size)

    def _looks(self) -> set[int]:
        every = self.experiment.stop.every
        if not self.experiment.stop.any:
            return set()
        return set(range(0, self.experiment.steps + 1, every)) if every else set(self.experiment.grid)

    def _look(self, step: int, checkpoints: set[int], looks: set[int]) -> None:
        """Watch at a checkpoint, and end the rows that are done or no longer finite."""
        watch, stop = self.experiment.watch, self.experiment.stop
        need = step in looks and (stop.loss is not None or stop.accuracy is not None)
        if need or (step in checkpoints and ("train_loss" in watch or "train_accuracy" in watch)):
            loss, accuracy = self._evaluate()
        else:
            loss = accuracy = None
        finite = torch.stack([p.flatten(1).isfinite().all(1) for p in self.trained.values()]).all(0)
        if loss is not None:
            finite &= loss.isfinite()
        lost = ~finite.cpu() & (self.diverged < 0)
        self.diverged[lost] = step
        self._end(step, ~finite, "diverged")
        if need and loss is not None and accuracy is not None:
            if stop.loss is not None:
                self._end(step, loss <= stop.loss, "loss")
            if stop.accuracy is not None:
                self._end(step, accuracy >= stop.accuracy, "accuracy")
        if step in checkpoints:
            self._watch(loss, accuracy)

    def _end(self, step: int, ended: Tensor, reason: str) -> None:
        """Rows that have ended stay where they are: their step size becomes zero."""
        for row in (ended & (self.rate > 0)).nonzero().flatten().tolist():
            self.rate[row], self.ended_at[row], self.stopped_by[row] = 0.0, step, reason

    def _watch(self, loss: Tensor | None, accuracy: Tensor | None) -> None:
        for name in self.experiment.watch:
            if name == "weights":
                for key, value in self.trained.items():
                    self.watched.setdefault(f"weights.{key}", []).append(value.detach().to("cpu", copy=True))
            elif name == "test_classes":
                self.watched.setdefault(name, []).append(self._test_classes())
            else:
                value = loss if name == "train_loss" else accuracy
                assert value is not None
                self.watched.setdefault(name, []).append(value.cpu())

    def _evaluate(self) -> tuple[Tensor, Tensor]:
        """Loss and accuracy over the whole training set, (rows,) each. Accuracy is NaN for real targets."""
        losses, rights = [], []
        for X, y in zip(self.X.split(EVALUATED, 1), self.y.split(EVALUATED, 1), strict=True):
            with torch.no_grad():
                f = self.experiment.model.forward(self.params, X)
                losses.append(self.experiment.loss.per_point(f, y).sum(1))
                rights.append(right(f, y).sum(1))
        n = self.experiment.data.n
        return torch.stack(losses).sum(0) / n, torch.stack(rights).sum(0).to(losses[0].dtype) / n

    def _test_classes(self) -> Tensor:
        """Predicted classes of the held-out points: bits, eight to a byte, for two classes, else one byte each."""
        assert self.X_test is not None
        with torch.no_grad():
            parts = [classes(self.experiment.model.forward(self.params, X)) for X in self.X_test.split(EVALUATED, 1)]
        predicted = torch.cat(parts, 1).cpu()
        if predicted.dtype == torch.bool:
            return torch.from_numpy(np.packbits(predicted.numpy(), axis=-1))
        return predicted.to(torch.uint8)

    def _labels(self, labels: list[Tensor]) -> Tensor:
        y = torch.stack(labels).to(self.device)
        return y.to(self.experiment.torch_dtype) if y.is_floating_point() else y

    def _result(self) -> Trained:
        loss, accuracy = self._evaluate()
        lost = ~loss.isfinite().cpu() & (self.diverged < 0)
        self.diverged[lost] = self.ended_at[lost]
        arrays = {f"final.{name}": value.detach().cpu() for name, value in self.trained.items()}
        arrays |= {f"watch.{name}": torch.stack(values, 1) for name, values in self.watched.items()}
        arrays |= {
            "step": self.ended_at,
            "diverged": self.diverged,
            "train_loss": loss.cpu(),
            "train_accuracy": accuracy.cpu(),
        }
        reasons = ["diverged" if at >= 0 else reason for at, reason in zip(self.diverged, self.stopped_by, strict=True)]
        return Trained(arrays, tuple(reasons))
