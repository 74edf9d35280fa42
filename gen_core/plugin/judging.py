"""How a case is judged: hypotheses checked, seeds added look by look, the record written before the verdict is raised."""

from __future__ import annotations

import hashlib
import time
import types
from typing import Any

import pytest

from gen_core.claim import Case
from gen_core.errors import (
    AssumptionViolated,
    DataMissing,
    GenCoreError,
    Inconclusive,
    InvalidClaim,
    Refuted,
)
from gen_core.expect import Judge, Judgement, judging
from gen_core.experiment import Experiment
from gen_core.plugin.session import Session
from gen_core.records import ERROR, HOLDS, INCONCLUSIVE, NOT_RUN, REFUTED, CaseRecord, Hypothesis, Look, write_json
from gen_core.run import Run, Runs, check_data, draw
from gen_core.seeding import seed_numbers
from gen_core.statistics import seeds_needed, spend


def set_up(session: Session, item: pytest.Item, case: Case) -> None:
    """Check that the data is there and that the hypotheses are as declared, before anything is trained.

    Raises:
        AssumptionViolated: if one is not.
        DataMissing: under `--require-data`; otherwise the case is skipped as NOT RUN.
        DataDamaged: if a file is not what it should be.
    """
    record = session.record(item.nodeid, case)
    item.stash[_RECORD] = record
    record_began = time.monotonic()
    try:
        experiments = case.experiments(session.scale)
        for experiment in experiments.values():
            check_data(experiment)
        seeds = seed_numbers(session.base, 0, session.looks(case)[0])
        for hypothesis, assumption in zip(record.hypotheses, case.claim.assuming, strict=True):
            _check(hypothesis, assumption.check, experiments, seeds)
    except DataMissing as error:
        required = session.config.getoption("require_data")
        write(session, item, ERROR if required else NOT_RUN, str(error), time.monotonic() - record_began)
        if required:
            raise
        pytest.skip(f"NOT RUN: {error}")
    except Exception as error:
        write(session, item, ERROR, _said(error), time.monotonic() - record_began)
        raise


def judge(session: Session, item: pytest.Function, case: Case) -> None:
    """Run a case look by look until it is decided, write its record, and raise what it came to."""
    __tracebackhide__ = True
    looks = session.looks(case)
    level = spend(session.level, len(looks))
    record, began = item.stash[_RECORD], time.monotonic()
    trained = len(session.trainings())
    others = {name: item.funcargs[name] for name in item._fixtureinfo.argnames if name != "run"}
    for seeds in looks:
        bench = Judge(level)
        run: Run | Runs | None = None
        try:
            run = obtain(session, case, seeds)
            with judging(bench):
                item.obj(**others, run=run)
            if not bench.judgements:
                raise InvalidClaim(
                    f"{item.name} ended without an expect; expected one, since a claim states a tolerance"
                )
            word, reason, raised = HOLDS, "", None
        except Inconclusive as error:
            word, reason, raised = INCONCLUSIVE, str(error), error
        except Refuted as error:
            word, reason, raised = REFUTED, str(error), error
        except (Exception, pytest.fail.Exception) as error:
            word, reason, raised = ERROR, _said(error), error
        if bench.judgements and word != ERROR:
            _note(record, bench.judgements[0], level)
        if word != INCONCLUSIVE or seeds == looks[-1]:
            break
    if run is not None:
        _describe(session, record, case, run, seeds)
    record.trained = len(session.trainings()) - trained
    write(session, item, word, reason, time.monotonic() - began)
    if isinstance(raised, (Refuted, Inconclusive)):
        raise raised.with_traceback(_up_to_claim(raised.__traceback__, item.obj.__code__))
    if raised is not None:
        raise raised


def obtain(session: Session, case: Case, seeds: int) -> Run | Runs:
    """The run of a case's setting over the first seeds."""
    assert session.lab is not None
    experiments = case.experiments(session.scale)
    try:
        runs = session.lab.runs(list(experiments.values()), seeds)
    finally:
        session.note()
        if session.progress:
            session.progress.clear()
    setting = case.at(session.scale)
    if isinstance(setting, Experiment):
        return runs[0]
    x = tuple(at for at, _ in getattr(setting, "points", ()))
    return Runs(dict(zip(experiments, runs, strict=True)), x)


def write(session: Session, item: pytest.Item, word: str, reason: str, seconds: float) -> None:
    """Write the record of this attempt, and give the verdict to pytest's report in builtin types."""
    record = item.stash[_RECORD]
    record.verdict, record.seconds = word, seconds
    record.as_expected = word == (REFUTED if record.control or record.not_reproduced else HOLDS)
    if word == HOLDS and not record.as_expected:
        what = "control holds: the claim cannot tell" if record.control else "now comes out: take not_reproduced away"
        reason = what
    record.reason = reason
    write_attempt(session, record)
    item.user_properties.append(("verdict", word))
    for key in ("estimate", "low", "high", "headroom"):
        value = getattr(record, key)
        if value is not None:
            item.user_properties.append((key, float(value)))


def write_attempt(session: Session, record: CaseRecord) -> None:
    """Keep the record of one attempt; of several attempts of a case the last one counts."""
    name = hashlib.sha256(record.nodeid.encode()).hexdigest()[:16]
    write_json(session.records / "attempts" / f"{time.time_ns()}-{name}.json", record)


def _check(hypothesis: Hypothesis, check: Any, experiments: dict[str, Experiment], seeds: tuple[int, ...]) -> None:
    """Check one hypothesis on every experiment and seed: it holds in all, or is dropped in each seed."""
    for seed in seeds:
        results = [check(experiment, draw(experiment, seed)) for experiment in experiments.values()]
        broken = [told for holds, told in results if not holds]
        if seed == seeds[0]:
            hypothesis.checked = "; ".join(dict.fromkeys(broken or [told for _, told in results]))
            hypothesis.holds = not broken
        if hypothesis.dropped and not broken:
            raise AssumptionViolated(
                f"control does not drop {hypothesis.name!r}: {results[0][1]}; expected a setting that breaks it (seed {seed})"
            )
        if broken and not hypothesis.dropped:
            raise AssumptionViolated(
                f"{hypothesis.name!r} does not hold: {broken[0]}; expected: {hypothesis.statement} (seed {seed})"
            )


def _note(record: CaseRecord, judgement: Judgement, level: float) -> None:
    """Put a look's judgement into the record."""
    interval = judgement.interval
    record.measured, record.tolerance, record.direction = judgement.name, judgement.tolerance, judgement.direction
    record.limits = [limit for limit in (judgement.low_limit, judgement.high_limit) if limit is not None]
    record.estimate, record.low, record.high = interval.estimate, interval.low, interval.high
    record.values, record.headroom = judgement.values, judgement.headroom
    record.seeds_needed = seeds_needed(judgement.headroom, level=level)
    look = Look(
        seeds=interval.n, estimate=interval.estimate, low=interval.low, high=interval.high, verdict=judgement.verdict
    )
    record.looks.append(look)


def _describe(session: Session, record: CaseRecord, case: Case, run: Run | Runs, seeds: int) -> None:
    """Put what the run says of itself into the record: seeds, keys, endings, figure."""
    assert session.lab is not None
    record.seeds = list(run.seeds)
    for label, one in {"": run}.items() if isinstance(run, Run) else run.runs.items():
        record.keys[label or "experiment"] = session.lab.keys(one.experiment, seeds)
        record.settings[f"{label} ended".strip()] = one.endings
    if case.claim.figure is not None and record.verdict != ERROR:
        try:
            record.figure = case.claim.figure(run)
        except Exception as error:  # a figure that cannot be drawn is no reason to lose a verdict
            record.settings["figure"] = f"not drawn: {_said(error)}"


def _said(error: BaseException) -> str:
    """An error in one line."""
    text = " ".join(str(error).split())
    return text if isinstance(error, GenCoreError) else f"{type(error).__name__}: {text}"


def _up_to_claim(traceback: types.TracebackType | None, code: types.CodeType) -> types.TracebackType | None:
    """The traceback cut after the claim's own frame, so that reports and debuggers stop on its `expect` line."""
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    ours = [i for i, frame in enumerate(frames) if frame.tb_frame.f_code is code]
    cut = None
    for frame in reversed(frames[: ours[-1] + 1] if ours else frames):
        cut = types.TracebackType(cut, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return cut


_RECORD = pytest.StashKey[CaseRecord]()
