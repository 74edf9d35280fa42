"""Schedules in a training, against torch's optimizers and schedulers on the same data."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, MultiStepLR

from gen_core import (
    GD,
    MLP,
    Adam,
    Cosine,
    Every,
    InvalidExperiment,
    InverseTime,
    Momentum,
    Run,
    Steps,
    Stop,
    Unfinished,
)
from gen_core.rules import Schedule
from gen_core.training.trainer import train_rows as train
from tests.gen_core.training.teacher import LEAST_SQUARES, Teacher

STEPS = 40
SHORT = replace(LEAST_SQUARES, steps=STEPS, checkpoints=Every(1), watch=("weights",))
SCHEDULES = {
    "steps": (Steps(0.2, (7, 8, 30), 0.3), lambda o: MultiStepLR(o, [7, 8, 30], 0.3)),
    "cosine": (Cosine(0.2, STEPS), lambda o: CosineAnnealingLR(o, STEPS)),
    "cosine-to": (Cosine(0.2, STEPS, 0.05), lambda o: CosineAnnealingLR(o, STEPS, o.param_groups[0]["lr"] / 4)),
    "inverse": (InverseTime(0.2, 0.5), lambda o: LambdaLR(o, lambda t: 1 / (1 + 0.5 * t))),
}
RULES = {
    "gd": (GD, lambda p, lr: torch.optim.SGD(p, lr)),
    "momentum": (Momentum, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9)),
    "adam-w": (
        lambda rate: Adam(rate, weight_decay=0.3, decoupled=True),
        lambda p, lr: torch.optim.AdamW(p, lr, weight_decay=0.3),
    ),
}


def run(*rows):
    [(_, trained)] = train(list(rows), torch.device("cpu"))
    return Run(rows[0][0], tuple(seed for _, seed in rows), trained)


def scaled(schedule, factor):
    last = {"last": schedule.last * factor} if isinstance(schedule, Cosine) else {}
    return replace(schedule, rate=schedule.rate * factor, **last)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", SCHEDULES)
def test_rows_of_other_rates_are_torchs_optimizers_with_its_schedulers(name, rule):
    schedule, scheduler = SCHEDULES[name]
    ours, theirs = RULES[rule]
    rates = [schedule, scaled(schedule, 0.5), scaled(schedule, 0.25)]
    rows = [(replace(SHORT, rule=ours(rate)), seed) for seed, rate in enumerate(rates)]
    assert len({experiment.batch_key() for experiment, _ in rows}) == 1
    found = run(*rows)
    for row, rate in enumerate(rates):
        w = torch.zeros(5, dtype=torch.float64, requires_grad=True)
        optimizer = theirs([w], rate.rate)
        stepped = scheduler(optimizer)
        X, y = found.X[row], found.y[row]
        for step in range(1, STEPS + 1):
            optimizer.zero_grad()
            SHORT.loss.per_point((X @ w)[None], y[None]).mean().backward()
            optimizer.step()
            stepped.step()
            torch.testing.assert_close(found.watched("weights.w")[row, step], w.detach(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("stop", [Stop(), Stop(gradient=0.0)], ids=["fused", "autograd"])
def test_a_network_too(stop):
    rule = Momentum(Steps(0.2, (3, 9)))
    net = replace(SHORT, data=Teacher(), model=MLP(hidden=(4,)), rule=rule, stop=stop, steps=20)
    found = run((net, 3))
    start = {name: found.initial(name)[0].requires_grad_() for name in net.model.trainable}
    optimizer = torch.optim.SGD(start.values(), 0.2, momentum=0.9)
    stepped = MultiStepLR(optimizer, [3, 9], 0.1)
    for _ in range(20):
        optimizer.zero_grad()
        f = net.model.forward({name: p[None] for name, p in start.items()}, found.X)
        net.loss.per_point(f, found.y).mean().backward()
        optimizer.step()
        stepped.step()
    for name, p in start.items():
        torch.testing.assert_close(found.weights(name)[0], p.detach(), rtol=1e-9, atol=1e-12)


def test_a_row_that_has_ended_stays_while_the_schedule_goes_on():
    ends = replace(SHORT, rule=GD(Steps(0.05, (300,), 2.0)), stop=Stop(loss=0.05, every=1), steps=400)
    together = run(*((ends, seed) for seed in range(4)))
    ended = together.steps_taken.tolist()
    assert min(ended) < max(ended)
    for row, step in enumerate(ended):
        path = together.watched("weights.w")[row]
        assert torch.equal(path[step], together.w[row])
        assert not torch.equal(path[step], path[step - 1])


def test_a_rate_of_0_stands_still_and_a_cosine_stays_at_its_last():
    path = run((replace(SHORT, rule=GD(Cosine(0.2, 10))), 0)).watched("weights.w")[0]
    assert all(not torch.equal(path[step], path[step - 1]) for step in range(1, 11))
    assert all(torch.equal(path[step], path[10]) for step in range(11, STEPS + 1))
    assert Cosine(0.2, 10, 0.05).share(1000) == 0.25


def test_a_training_after_another_begins_its_schedule_anew():
    first = replace(SHORT, rule=GD(0.1), watch=(), checkpoints=SHORT.checkpoints)
    second = replace(SHORT, rule=GD(Steps(0.2, (3,), 0.0)), after=first)
    path = run((second, 1)).watched("weights.w")[0]
    assert not torch.equal(path[3], path[2])
    assert torch.equal(path[4], path[3])


def test_schedules_share_a_batch_where_their_first_rates_alone_differ():
    def key(rate):
        return replace(SHORT, rule=GD(rate)).batch_key()

    for schedule, _ in SCHEDULES.values():
        assert key(schedule) == key(scaled(schedule, 3.0)) != key(0.2)
    assert key(Cosine(0.2, 9, 0.1)) != key(Cosine(0.3, 9, 0.1))
    assert key(Steps(0.2, (3,))) != key(Steps(0.2, (4,)))


@dataclass(frozen=True)
class WarmUp:
    """A schedule as its author would write it."""

    rate: float
    steps: int

    def share(self, step):
        return min(1.0, step / self.steps)

    def batch_form(self):
        return replace(self, rate=1.0)


class Backwards(WarmUp):
    def share(self, step):
        return 2.0 - step


class InWords(WarmUp):
    def share(self, step):
        return "0.5"


def test_a_schedule_of_ones_own():
    assert isinstance(WarmUp(0.2, 8), Schedule)
    found = run((replace(SHORT, rule=GD(WarmUp(0.2, 8))), 2))
    w, X, y = torch.zeros(5, dtype=torch.float64), found.X[0], found.y[0]
    for step in range(1, STEPS + 1):
        w = w - 0.2 * min(1, step / 8) * X.T @ (X @ w - y) / len(y)
    torch.testing.assert_close(found.w[0], w, rtol=1e-9, atol=1e-12)
    with pytest.raises(InvalidExperiment, match=r"^Backwards\(.*\) has share -1.0 at step 3; expected a finite number"):
        run((replace(SHORT, rule=GD(Backwards(0.2, 8))), 2))
    with pytest.raises(InvalidExperiment, match=r"^InWords\(.*\) has share '0.5' at step 1; expected a finite number"):
        run((replace(SHORT, rule=GD(InWords(0.2, 8))), 2))


@dataclass(frozen=True)
class FallsTo(WarmUp):
    """Its batch form forgets that shares depend on the rate."""

    def share(self, step):
        return 1.0 if step < 5 else 0.01 / self.rate


def test_a_batch_form_that_hides_a_difference_is_refused():
    rows = [(replace(SHORT, rule=GD(FallsTo(rate, 8))), 0) for rate in (0.1, 0.2)]
    assert rows[0][0].batch_key() == rows[1][0].batch_key()
    message = r"^shares 0.05 and 0.1 at step 5 of FallsTo\(.*\) and FallsTo\(.*\), which have one batch_form\(\);"
    with pytest.raises(InvalidExperiment, match=message):
        run(*rows)
    run(rows[0])


def test_a_training_that_diverges_names_its_first_rate():
    lost = run((replace(SHORT, rule=GD(InverseTime(1e200, 1e-3))), 0))
    with pytest.raises(Unfinished, match=r"expected a finite loss \(rate 1e\+200\), or "):
        lost.require_finite()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Steps(0.0, (3,)), "rate 0.0; expected a finite number > 0"),
        (lambda: Steps(0.1, ()), "at (); expected increasing steps, at least one"),
        (lambda: Steps(0.1, (3, 3)), "at (3, 3); expected increasing steps, at least one"),
        (lambda: Steps(0.1, (0,)), "at 0; expected a positive integer"),
        (lambda: Steps(0.1, [3]), "at [3]; expected a tuple of positive integers"),
        (lambda: Steps(0.1, (3,), -1.0), "factor -1.0; expected a finite number >= 0"),
        (lambda: Cosine(-0.1, 3), "rate -0.1; expected a finite number > 0"),
        (lambda: Cosine(0.1, 0), "steps 0; expected a positive integer"),
        (lambda: Cosine(0.1, 3, 0.2), "last 0.2; expected a finite number >= 0 and <= 0.1"),
        (lambda: InverseTime(0.1, 0.0), "decay 0.0; expected a finite number > 0"),
        (
            lambda: GD(WarmUp(0.0, 3)),
            "rate WarmUp(rate=0.0, steps=3); expected a positive number, or Steps, Cosine or InverseTime",
        ),
    ],
)
def test_messages(make, message):
    with pytest.raises(InvalidExperiment) as caught:
        make()
    assert str(caught.value) == message
