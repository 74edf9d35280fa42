"""The state of one batch of rows while it trains."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gen_core.rules import State
from gen_core.rules.rates import Schedule, base_rate, share_of
from gen_core.schedule import AtLoss
from gen_core.training import leaving
from gen_core.training.apart import looked_at, step_apart
from gen_core.training.captured import Captured
from gen_core.training.contract import require_contract, require_labels
from gen_core.training.draws import begins_with, initial_parameters, sample_data
from gen_core.training.foreign import foreign_among
from gen_core.training.invariants import Replica, Witness, data_marks, draws_apart
from gen_core.training.leaving import Departed, Living, rows_of
from gen_core.training.order import Batches
from gen_core.training.points import Filling, Pools, of_rows
from gen_core.training.replicas import mark
from gen_core.training.result import TrainingResult
from gen_core.training.seeding import TOGETHER, generator, numbered
from gen_core.training.states import states_told_once
from gen_core.training.steps import make_stepper
from gen_core.training.stopping import Looks, tells_early
from gen_core.training.watching import Watching, loss_and_accuracy
from gen_core.types import Data, data_of, targets_of

REPORTED = 64
"""Steps between two reports of progress."""

REASONS = ("steps", "diverged", "loss", "accuracy", "gradient")
"""What ends a row, by number."""


class Batch:
    """Replicas with equal batch keys, which take their steps together.

    Args:
        rows: the replicas.
        device: where they are trained.
        pools: the pools that are on the device already, or will be.
    """

    @states_told_once()
    def __init__(self, rows: list[Replica], device: torch.device, pools: Pools | None = None) -> None:
        self.experiment = experiment = rows[0][0]
        self.model, self.rule, self.loss = experiment.parts
        self.rows, self.device, dtype = rows, device, experiment.torch_dtype
        self.pools = pools or Pools(device)
        n, inputs, outputs = experiment.data.n, experiment.data.inputs, self.model.outputs
        n_test, targets = experiment.tested, targets_of(experiment.data)
        real = sample_data(*rows[0]).y.is_floating_point()
        labels = dtype if real else torch.int64
        # Steps of all points gather none: these are laid out once. So are all on a CPU, where to gather the points of
        # each look takes up to a quarter of the time.
        elsewhere = device.type != "cpu"
        given = Filling((len(rows), n, *inputs), dtype, self.pools, elsewhere and self.rule.batch is not None)
        held_out = Filling((len(rows), n_test, *inputs), dtype, self.pools, elsewhere)
        self.y = torch.empty(len(rows), n, *targets, dtype=labels, device=device)
        self.y_test = torch.empty(len(rows), n_test, *targets, dtype=labels, device=device)
        marks: list[dict[str, int]] = []
        for i, (e, seed) in enumerate(rows):
            data = sample_data(e, seed)
            require_labels(data.y, outputs, real, self.loss)
            drawn = vars(data)
            self.y[i] = data.y
            trained_on = {"X": given.add(i, drawn["X"]), "y": self.y[i]}
            if n_test and data.y_test is not None:
                self.y_test[i] = data.y_test
                trained_on["X_test"] = held_out.add(i, drawn["X_test"])
            marks.append(data_marks(data.but(**trained_on)))
        self.X, self.X_test = given.points, held_out.points
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
        self.ended_at = torch.full((len(rows),), experiment.steps, device=device)
        self.stopped_by = torch.zeros(len(rows), dtype=torch.int64, device=device)
        self.living = Living(len(rows), device)
        self.watching = Watching(experiment, self.params, self._data)
        self.evaluated: tuple[Tensor, Tensor] | None = None  # at the current weights
        self.witness = Witness(experiment, self.trained)
        self.streams: list[torch.Generator] = []
        """The generators that the rule has been given."""
        self.departed = Departed(len(rows))
        # A state of another's rule may hold what is of rows in ways of its own.
        self.share = 0.0 if foreign_among((self.rule,)) else leaving.SHARE
        self.looks = Looks(self.model, self.loss, experiment.stop)
        self.early = device.type == "cpu" and tells_early(self.model, self.loss)
        self.looked_at = looked_at(experiment)
        require_contract(experiment, self.params, self.X, self.y)

    def train(self, report: Callable[[int], None]) -> TrainingResult:
        """Take all steps; `report` is called with the number of steps done, including those of trainings before."""
        experiment, grid = self.experiment, self.experiment.grid
        before = self._follow(report)
        self._stepper = make_stepper(experiment, self.params, self.trained, self.rate, self._streams)
        self.order = self._batches()
        self.order.by_graph = isinstance(self._stepper, Captured) and not self.schedules
        checkpoints, self.evaluations = frozenset(grid), experiment.stop.evaluations(grid)
        seen = checkpoints | self.evaluations | self.looked_at | {experiment.steps}
        step = 0
        self._watch(step)
        self._end_rows(step)
        while self.living.rows and step < experiment.steps:
            if isinstance(self._stepper, Captured) and self._stepper.take(self.order, step, seen):
                step, self.evaluated = step + TOGETHER, None
            else:
                step += 1
                self._step(step, *next(self.order))
            if step in checkpoints:
                self._watch(step)
            if step in checkpoints or step in self.evaluations:
                self._end_rows(step)
            if 0 < self.living.rows <= self.share * len(self.rows):
                self._leave(step in checkpoints)
            if step % REPORTED == 0:
                report(before + step)
                if self.living.late:
                    self.living.count(self.alive)
        report(before + step)
        if step < experiment.steps and step not in checkpoints:
            self._watch(step)
        return self.departed.joined(self._result(list(range(len(self.rows))), self.watching.recorded))

    def _follow(self, report: Callable[[int], None]) -> int:
        """Start from the final weights of the trainings before (`after`); returns their number of steps."""
        first = [(e.after, seed) for e, seed in self.rows if e.after is not None]
        if not first:
            return 0
        trained = Batch(first, self.device, self.pools).train(report)
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
    def _data(self) -> Data:
        held_out = {"X_test": self.X_test, "y_test": self.y_test} if self.experiment.tested else {}
        return data_of(X=self.X, y=self.y, **held_out)

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

    def _batches(self) -> Batches:
        """Points and labels of each step."""
        return Batches(self.rows, self.X, self.y, self.experiment.steps)

    def _end_rows(self, step: int) -> None:
        """End rows that have diverged and, where loss and accuracy are evaluated, rows that meet a stop criterion."""
        stop = self.experiment.stop
        # One entry that is not finite makes its sum not finite; testing every entry takes thirty times as long.
        finite = torch.stack([p.detach().reshape(len(p), -1).sum(1) for p in self.trained.values()]).isfinite().all(0)
        seen = self._bounds() if step in self.evaluations else self.evaluated
        if seen is not None:
            finite &= seen[0].isfinite()
        self._end(step, ~finite, "diverged")
        if seen is not None and step in self.evaluations:
            if stop.loss is not None:
                self._end(step, seen[0] <= stop.loss, "loss")
            if stop.accuracy is not None:
                self._end(step, seen[1] >= stop.accuracy, "accuracy")
        if self.living.late:
            self.living.count(self.alive)

    def _bounds(self) -> tuple[Tensor, Tensor]:
        """Loss and accuracy, (rows,) each, of the rows that may end; bounds of them may do for the others."""
        if self.evaluated is not None or not self.early:
            return self._evaluate()
        return self.looks.bounds(self.params, self.X, self.y, self.alive)

    def _end(self, step: int, ended: Tensor, reason: str) -> None:
        """Freeze the rows that have ended, by setting their step size to zero."""
        new = ended & self.alive
        if self.device.type == "cpu" and not new.any():
            return
        self.alive &= ~new
        self.rate.masked_fill_(new, 0.0)
        self.ended_at.masked_fill_(new, step)
        self.stopped_by.masked_fill_(new, REASONS.index(reason))
        self.witness.end(new)
        if not self.living.late:
            self.living.count(self.alive)

    def _leave(self, recorded: bool) -> None:
        """Let the rows that have ended leave with their results; `recorded` says whether this step is a checkpoint."""
        if isinstance(self.experiment.checkpoints, AtLoss) and not recorded:
            return
        alive = self.alive.tolist()
        kept, gone = ([row for row, lives in enumerate(alive) if lives is wanted] for wanted in (True, False))
        if not kept:
            self.living.rows = 0
            return
        if not recorded:
            self.watching.record_next(self._evaluate)
            self.witness.watch()
        self.departed.add(gone, self._result(gone, self.watching.recorded + (not recorded)))
        self._keep(kept)

    def _keep(self, kept: list[int]) -> None:
        """Go on with some of the rows."""
        rows, count = torch.tensor(kept, device=self.device), len(self.rows)
        state = rows_of(self.state, kept, count)
        self.rows = [self.rows[row] for row in kept]
        self.living = Living(len(kept), self.device)
        self.X, self.X_test = of_rows(self.X, rows), of_rows(self.X_test, rows)
        for name in ("y", "y_test", "rate", "base", "alive", "ended_at", "stopped_by"):
            setattr(self, name, getattr(self, name)[rows])
        self.drawn = {name: marks[kept] for name, marks in self.drawn.items()}
        for name, value in self.params.items():
            self.params[name] = value.detach()[rows]
        self.trained |= {name: self.params[name].requires_grad_() for name in self.trained}
        self.streams = [self.streams[at + row] for at in range(0, len(self.streams), count) for row in kept]
        self.order.keep(rows, self.X, self.y)
        self.watching.keep(rows, self._data)
        self.looks.keep(rows)
        self.witness.keep(rows)
        self.evaluated = None
        self._stepper = make_stepper(self.experiment, self.params, self.trained, self.rate, lambda: self.streams)
        if hasattr(self._stepper, "state"):
            self._stepper.state = state  # type: ignore[attr-defined]

    def _watch(self, step: int) -> None:
        """Record the watched quantities at the current weights."""
        self.watching.record(step, self._evaluate)
        self.witness.watch()

    @torch.no_grad()
    def _evaluate(self) -> tuple[Tensor, Tensor]:
        """Loss and accuracy over the whole training set, (rows,) each; cached until the next step."""
        if self.evaluated is not None:
            return self.evaluated
        self.evaluated = loss_and_accuracy(self.model, self.loss, self.params, self.X, self.y)
        return self.evaluated

    def _result(self, rows: list[int], recorded: int) -> TrainingResult:
        """The result of some rows, with so many checkpoints."""
        self.evaluated = None  # once more, for the witness
        loss, accuracy = (value.cpu() for value in self._evaluate())
        ended_at, named = self.ended_at.cpu(), [REASONS[reason] for reason in self.stopped_by.tolist()]
        reasons = ["diverged" if bad else reason for bad, reason in zip(~loss.isfinite(), named, strict=True)]
        judged, last = {row: self.rows[row][1] for row in rows}, self.watching.last("train_loss", recorded)
        self.witness.check(judged, reasons, ended_at.tolist(), last, loss, accuracy)
        # Parameters that no step has changed are not kept: a run draws them again from its seeds.
        moved = self.trained.items() if self.experiment.steps else ()
        arrays = {
            **{f"final.{name}": value.detach().cpu() for name, value in moved},
            **self.watching.arrays(recorded),
            "step": ended_at,
            "diverged": torch.where(torch.tensor([reason == "diverged" for reason in reasons]), ended_at, -1),
            "train_loss": loss,
            "train_accuracy": accuracy,
            **self.drawn,
        }
        if len(rows) < len(self.rows):
            arrays = {name: array[rows] for name, array in arrays.items()}
        return TrainingResult(arrays, tuple(reasons[row] for row in rows))
