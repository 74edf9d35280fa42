"""The state of one batch of rows while it trains."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.losses import WholeLoss, mean_loss, right
from gen_core.rules import State
from gen_core.rules.rates import Schedule, base_rate, share_of
from gen_core.training.apart import looked_at, step_apart
from gen_core.training.contract import require_contract
from gen_core.training.draws import begins_with, initial_parameters, sample_data
from gen_core.training.invariants import Epochs, Replica, Witness, data_marks, draws_apart
from gen_core.training.replicas import mark
from gen_core.training.result import TrainingResult
from gen_core.training.seeding import generator, numbered
from gen_core.training.steps import make_stepper
from gen_core.training.watching import Watching, in_parts
from gen_core.types import Data, targets_of

SEGMENT = 2**16
"""Number of batch indices drawn at a time in sampling with replacement; changing it changes the random stream."""

GATHERED = 2**19
"""Numbers gathered into batches at a time, row by row, so that each row's points stay in cache. The fastest of 2^17 to
2^23: a step of `Linear` on 32 rows of 64 x 100 points takes 135 us, and 240 us at the slowest."""

REPORTED = 64
"""Steps between two reports of progress."""


class Batch:
    """Replicas with equal batch keys, which take their steps together."""

    def __init__(self, rows: list[Replica], device: torch.device) -> None:
        self.experiment = experiment = rows[0][0]
        self.model, self.rule, self.loss = experiment.parts
        self.rows, self.device, dtype = rows, device, experiment.torch_dtype
        n, inputs, outputs = experiment.data.n, experiment.data.inputs, self.model.outputs
        n_test, targets = experiment.tested, targets_of(experiment.data)
        real = sample_data(*rows[0]).y.is_floating_point()
        labels = dtype if real else torch.int64
        self.X = torch.empty(len(rows), n, *inputs, dtype=dtype, device=device)
        self.y = torch.empty(len(rows), n, *targets, dtype=labels, device=device)
        self.X_test = torch.empty(len(rows), n_test, *inputs, dtype=dtype, device=device)
        self.y_test = torch.empty(len(rows), n_test, *targets, dtype=labels, device=device)
        marks: list[dict[str, int]] = []
        for i, (e, seed) in enumerate(rows):
            data = sample_data(e, seed)
            _check_labels(data.y, outputs, real, self.loss)
            self.X[i], self.y[i] = data.X, data.y
            if n_test and data.X_test is not None and data.y_test is not None:
                self.X_test[i] = data.X_test
                self.y_test[i] = data.y_test
            trained_on = replace(data, X=self.X[i], y=self.y[i], X_test=self.X_test[i] if n_test else data.X_test)
            marks.append(data_marks(trained_on))
        starts = [initial_parameters(e, seed) for e, seed in rows]
        self.params = {name: torch.stack([s[name] for s in starts]).to(device) for name in starts[0]}
        draws_apart(rows, self.X, self.y, self.params)
        for i, row in enumerate(marks):
            row |= {name: mark(value[i]) for name, value in self.params.items()}
        self.drawn = {f"drawn.{name}": torch.tensor([row[name] for row in marks]) for name in marks[0]}
        self.drawn["drawn"] = torch.tensor([begins_with(*row, start) for row, start in zip(rows, starts, strict=True)])
        self.trained = {name: self.params[name].requires_grad_() for name in self.model.trainable}
        self.rate = torch.tensor([base_rate(e.parts.rule.rate) for e, _ in rows], dtype=dtype, device=device)
        self.schedules = {e.parts.rule.rate for e, _ in rows if isinstance(e.parts.rule.rate, Schedule)}
        self.base = self.rate.clone()
        self.alive = torch.ones(len(rows), dtype=torch.bool, device=device)
        self.running = len(rows)
        self.ended_at = torch.full((len(rows),), experiment.steps)
        self.stopped_by = ["steps"] * len(rows)
        held_out = (self.X_test, self.y_test) if n_test else ()
        self.watching = Watching(experiment, self.params, Data(self.X, self.y, *held_out))
        self.watched = self.watching.records
        self.evaluated: tuple[Tensor, Tensor] | None = None  # at the current weights
        self.witness = Witness(experiment, self.trained)
        self.streams: list[torch.Generator] = []
        """The generators that the rule has been given."""
        self.looked_at = looked_at(experiment)
        require_contract(experiment, self.params, self.X, self.y)

    def train(self, report: Callable[[int], None]) -> TrainingResult:
        """Take all steps; `report` is called with the number of steps done, including those of trainings before."""
        experiment, grid = self.experiment, self.experiment.grid
        before = self._follow(report)
        self._stepper = make_stepper(experiment, self.params, self.trained, self.rate, self._streams)
        batches = self._batches()
        checkpoints, self.evaluations = frozenset(grid), experiment.stop.evaluations(grid)
        step = 0
        self._watch(step)
        self._end_rows(step)
        while self.running and step < experiment.steps:
            step += 1
            self._step(step, *next(batches))
            if step in checkpoints:
                self._watch(step)
            if step in checkpoints or step in self.evaluations:
                self._end_rows(step)
            if step % REPORTED == 0:
                report(before + step)
        report(before + step)
        if step < experiment.steps and step not in checkpoints:
            self._watch(step)
        for values in self.watched.values():
            values.extend(values[-1:] * (experiment.recorded - len(values)))
        return self._result()

    def _follow(self, report: Callable[[int], None]) -> int:
        """Start from the final weights of the trainings before (`after`); returns their number of steps."""
        first = [(e.after, seed) for e, seed in self.rows if e.after is not None]
        if not first:
            return 0
        trained = Batch(first, self.device).train(report)
        for name, value in self.trained.items():
            value.data.copy_(trained.arrays[f"final.{name}"])
        return first[0][0].steps_in_all

    def _step(self, step: int, X: Tensor, y: Tensor) -> None:
        self.evaluated, limit = None, self.experiment.stop.gradient
        if self.schedules:
            self.rate.copy_(self.base * self.alive * share_of(self.schedules, step))
        if step in self.looked_at:
            step_apart(self, step, X, y)
        if limit is None:
            self._stepper.step(X, y, None)
            return

        def end_where_small(norms: Tensor, taken: bool) -> None:
            self._end(step if taken else step - 1, norms <= limit, "gradient")

        self._stepper.step(X, y, end_where_small)

    @property
    def state(self) -> State:
        """The state of the rule, which Newton's has none of."""
        return getattr(self._stepper, "state", {})

    def _streams(self) -> list[torch.Generator]:
        """One generator per row for the rule's noise, keyed by the parameters' shapes and the steps taken before."""
        shapes = tuple((name, *p.shape[1:]) for name, p in self.trained.items())
        before = self.experiment.steps_in_all - self.experiment.steps
        own = [generator(numbered((shapes, before), e.order), seed, "rule") for e, seed in self.rows]
        self.streams += own
        return own

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Points, (rows, batch, *inputs), and labels of each step.

        Without replacement every epoch is a fresh permutation, cut into whole batches: the last n mod batch points are
        left out of that epoch.
        """
        rule, count, inputs = self.rule, len(self.rows), self.experiment.data.inputs
        if rule.batch is None:
            while True:
                yield self.X, self.y
        n, size = self.experiment.data.n, rule.batch
        order = [generator(numbered((n, size, rule.replacement), e.order), seed, "order") for e, seed in self.rows]
        points, labels = self.X.flatten(0, 1), self.y.flatten(0, 1)
        offset = (torch.arange(count, device=self.device) * n).view(count, 1, 1)
        length = max(1, SEGMENT // size) if rule.replacement else n // size
        epochs = Epochs([seed for _, seed in self.rows], rule.replacement)
        while True:
            if rule.replacement:
                drawn = [torch.randint(n, (length, size), generator=g) for g in order]
            else:
                drawn = [torch.randperm(n, generator=g)[: length * size].view(length, size) for g in order]
            epochs.check(drawn)
            index = torch.stack(drawn).to(self.device) + offset
            for part in index.split(max(1, GATHERED // (count * size * math.prod(inputs))), 1):
                X = points.index_select(0, part.flatten()).view(*part.shape, *inputs)
                y = labels.index_select(0, part.flatten()).view(*part.shape, *labels.shape[1:])
                yield from zip(X.unbind(1), y.unbind(1), strict=True)

    def _end_rows(self, step: int) -> None:
        """End rows that have diverged and, where loss and accuracy are evaluated, rows that meet a stop criterion."""
        stop = self.experiment.stop
        # One entry that is not finite makes its sum not finite; testing every entry takes thirty times as long.
        finite = torch.stack([p.detach().reshape(len(p), -1).sum(1) for p in self.trained.values()]).isfinite().all(0)
        evaluates = step in self.evaluations
        if evaluates:
            self._evaluate()
        if self.evaluated is not None:
            finite &= self.evaluated[0].isfinite()
        self._end(step, ~finite, "diverged")
        if evaluates:
            loss, accuracy = self._evaluate()
            if stop.loss is not None:
                self._end(step, loss <= stop.loss, "loss")
            if stop.accuracy is not None:
                self._end(step, accuracy >= stop.accuracy, "accuracy")

    def _end(self, step: int, ended: Tensor, reason: str) -> None:
        """Freeze the rows that have ended, by setting their step size to zero."""
        for row in (ended & self.alive).nonzero().flatten().tolist():
            self.alive[row], self.rate[row] = False, 0.0
            self.ended_at[row], self.stopped_by[row] = step, reason
            self.running -= 1
            self.witness.end(row)

    def _watch(self, step: int) -> None:
        """Record the watched quantities at the current weights."""
        self.watching.record(step, self._evaluate)
        self.witness.watch()

    @torch.no_grad()
    def _evaluate(self) -> tuple[Tensor, Tensor]:
        """Loss and accuracy over the whole training set, (rows,) each; cached until the next step."""
        if self.evaluated is not None:
            return self.evaluated
        loss, accuracy = torch.zeros_like(self.rate), torch.zeros_like(self.rate)
        parts = in_parts(self.model, self.params, self.X, self.X)
        points = None if isinstance(self.loss, WholeLoss) else self.loss
        for f, y in zip(parts, self.y.split([f.shape[1] for f in parts], 1), strict=True):
            if points is not None:
                loss += points.per_point(f, y).sum(1)
            accuracy += right(f, y).sum(1)
        n = self.X.shape[1]
        whole = mean_loss(self.loss, torch.cat(parts, 1), self.y) if points is None else loss / n
        self.evaluated = whole, accuracy / n
        return self.evaluated

    def _result(self) -> TrainingResult:
        self.evaluated = None  # once more, for the witness
        loss, accuracy = self._evaluate()
        lost = ~loss.isfinite().cpu()
        reasons = ["diverged" if bad else reason for bad, reason in zip(lost, self.stopped_by, strict=True)]
        diverged = torch.tensor([reason == "diverged" for reason in reasons])
        self.witness.check([seed for _, seed in self.rows], reasons, self.ended_at, self.watched, loss, accuracy)
        # Parameters that no step has changed are not kept: a run draws them again from its seeds.
        moved = self.trained.items() if self.experiment.steps else ()
        arrays = {f"final.{name}": value.detach().cpu() for name, value in moved}
        arrays |= self.watching.arrays() | {
            "step": self.ended_at,
            "diverged": torch.where(diverged, self.ended_at, -1),
            "train_loss": loss.cpu(),
            "train_accuracy": accuracy.cpu(),
            **self.drawn,
        }
        return TrainingResult(arrays, tuple(reasons))


def _check_labels(y: Tensor, outputs: int, real: bool, loss: object) -> None:
    if y.is_floating_point() != real:
        raise InvalidExperiment(
            f"labels of {y.dtype} beside others; expected floats alone or integers alone in a batch"
        )
    if y.dim() > 1:  # the loss checks them
        return
    if outputs == 1 and not y.is_floating_point():
        raise InvalidExperiment(f"labels of {y.dtype} for a model of one output; expected floats (-1.0 and 1.0)")
    if outputs > 1 and (y.is_floating_point() or not 0 <= int(y.min()) <= int(y.max()) < outputs):
        found = f"labels of {y.dtype} from {y.min():g} to {y.max():g}"
        raise InvalidExperiment(f"{found} for a model of {outputs} outputs; expected integers from 0 to {outputs - 1}")
    if vars(type(loss)).get("of_signs") and not bool((y.abs() == 1).all()):
        found = f"labels from {y.min():g} to {y.max():g} for {type(loss).__name__}"
        raise InvalidExperiment(f"{found}; expected -1.0 and 1.0 alone")
