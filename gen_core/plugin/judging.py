"""The judging of a case: check hypotheses, add seeds look by look, and write the record before raising the verdict."""

from __future__ import annotations

import contextlib
import inspect
import time
import types
import unittest
from collections.abc import Callable
from typing import Any

import pytest

from gen_core.code.listening import opened_outside
from gen_core.declaration import Case
from gen_core.errors import DataMissing, Inconclusive, InvalidClaim, Refuted
from gen_core.judgement import Judge, Judgement, judging
from gen_core.measuring import MEASURES_STREAMS, Part, place_of
from gen_core.plugin.checking import check_draws, check_run, keep_checked
from gen_core.plugin.outcomes import RECORD, claim_traceback, one_line, properties
from gen_core.plugin.progress import ProgressFile
from gen_core.plugin.session import Session, case_of
from gen_core.records import (
    ERROR,
    HOLDS,
    INCONCLUSIVE,
    NOT_RUN,
    REFUTED,
    CaseRecord,
    Figure,
    Look,
    Verdict,
    built_figure,
    plain,
    sound_figure,
)
from gen_core.run import Run, Runs
from gen_core.statistics import spend
from gen_core.training.states import files_of
from gen_core.training.steps import choose_stepper
from gen_core.training.streams import OwnNumbers

CAUGHT = (Exception, SystemExit, pytest.skip.Exception, pytest.fail.Exception)
"""Exceptions that are recorded as the outcome of a case; an interruption of the run is not among them."""

PRETENDED = (pytest.skip.Exception, pytest.xfail.Exception, unittest.SkipTest)
"""Exceptions that pytest does not count as failures. In a claim they would hide its verdict."""


def set_up(request: pytest.FixtureRequest) -> None:
    """Prepare the `run` of a claim, before any training; what is no claim fails."""
    case = case_of(request.node)
    if case is None:
        found = f"{request.node.nodeid} takes `run` and is not a claim"
        expected = "the @claim decorator, or for a measure a name that does not begin with test_"
        pytest.fail(f"InvalidClaim: {found}; expected {expected}", pytrace=False)
    _set_up(Session.of(request.config), request.node, case)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Judge claims; leave all other tests to pytest."""
    __tracebackhide__ = True
    case = case_of(pyfuncitem)
    if case is None:
        return None
    _judge(Session.of(pyfuncitem.config), pyfuncitem, case)
    return True


def _set_up(session: Session, item: pytest.Item, case: Case) -> None:
    """Check that the data is available and that the hypotheses are as declared, before any training.

    Raises:
        AssumptionViolated: if a hypothesis is not as declared.
        DataMissing: under `--require-data`; otherwise the case is skipped as NOT RUN.
        DataDamaged: if a data file is damaged.
    """
    item.stash[RECORD] = session.record(item.nodeid, case)
    session.unkept.clear()
    began = time.monotonic()
    try:
        if why := session.refusal(case):
            raise InvalidClaim(why)
        for experiment in case.experiments(session.scale).values():
            files_of(experiment)  # it raises where they are missing or damaged
        check_draws(session, item.stash[RECORD], case, 0, session.looks(case)[0])
    except CAUGHT as error:
        raised = _honest(item, error, None)
        _end(session, item, _word(session, raised), raised, time.monotonic() - began)
        _skip_if_missing(session, raised)
        raise raised  # noqa: B904, the exception itself as a rule


def _judge(session: Session, item: pytest.Function, case: Case) -> None:
    """Run a case look by look until it is decided, write its record, and raise its verdict or error, if any."""
    __tracebackhide__ = True
    record, began = item.stash[RECORD], time.monotonic()
    looks = session.looks(case)
    level, before = spend(session.level, len(looks)), looks[0]
    run, word, raised = None, HOLDS, None
    for seeds in looks:
        judge, raised = Judge(level, seeds, looks[-1]), None
        try:
            check_draws(session, record, case, before, seeds)
            run = _obtain(session, case, seeds)
            keep_checked(session)
            check_run(record, case, run)
            _call(item, run, judge)
        except CAUGHT as error:
            raised = _honest(item, error, judge)
        word, before = _word(session, raised), seeds
        if word in (HOLDS, REFUTED, INCONCLUSIVE):
            _note(record, judge.judgements[0])
        else:  # the values of the look before would stand beside the seeds of this one
            record.estimate = record.low = record.high = record.headroom = record.seeds_needed = None
            record.values = []
        if word != INCONCLUSIVE:
            break
    if run is not None:
        _describe(session, record, case, run, word)
    record.trained = session.journal.trained({key for keys in record.keys.values() for key in keys})
    _end(session, item, word, raised, time.monotonic() - began)
    if raised is not None:
        _skip_if_missing(session, raised)
        raise raised.with_traceback(_up_to_claim(raised, inspect.unwrap(item.obj).__code__))


def _call(item: pytest.Function, run: Run | Runs, judge: Judge) -> None:
    """Call the claim with its run and its other fixtures."""
    others = {name: item.funcargs[name] for name in inspect.signature(item.obj).parameters if name != "run"}
    with judging(judge), OwnNumbers(f"the measure of {item.name}", MEASURES_STREAMS):
        item.obj(**others, run=run)
    if not judge.judgements:
        raise InvalidClaim(f"{item.name} ended without an expect; expected one, since a claim states a tolerance")
    if judge.judgements[0].verdict != HOLDS:
        raise InvalidClaim(f"{item.name} caught the verdict {judge.judgements[0].verdict}; expected it to pass through")


def _obtain(session: Session, case: Case, seeds: int) -> Run | Runs:
    """The run of a case's setting over the first seeds."""
    lab = session.lab
    assert lab is not None
    try:
        runs = lab.runs(list(case.experiments(session.scale).values()), seeds)
    finally:
        session.journal.note(lab.store.notes)
        if isinstance(lab.progress, ProgressFile):
            lab.progress.clear()
    return case.joined(session.scale, runs)


def _honest(item: pytest.Item, raised: BaseException, judge: Judge | None) -> BaseException:
    """The exception of a case; in place of one that pretends an outcome that `expect` has not reached, InvalidClaim."""
    reached = judge.judgements[0].verdict if judge and judge.judgements else None
    if _raised_verdict(raised) in (None, reached) and not isinstance(raised, PRETENDED):
        return raised
    found = f"{item.name} raised {type(raised).__name__}: {raised}; expected its expect to decide"
    return InvalidClaim(found).with_traceback(raised.__traceback__)


def _raised_verdict(raised: BaseException | None) -> Verdict | None:
    if isinstance(raised, Refuted):
        return REFUTED
    return INCONCLUSIVE if isinstance(raised, Inconclusive) else None


def _word(session: Session, raised: BaseException | None) -> Verdict:
    """The verdict on a case, given the exception that its set-up or its call raised, if any."""
    if raised is None:
        return HOLDS
    return _raised_verdict(raised) or (NOT_RUN if _missing(session, raised) else ERROR)


def _missing(session: Session, raised: BaseException) -> bool:
    return isinstance(raised, DataMissing) and not session.options.require_data


def _skip_if_missing(session: Session, raised: BaseException) -> None:
    if _missing(session, raised):
        pytest.skip(one_line(raised))


def _note(record: CaseRecord, judgement: Judgement) -> None:
    """Enter the judgement of a look into the record."""
    interval = judgement.interval
    record.measured, record.tolerance, record.direction = judgement.name, judgement.tolerance, judgement.direction
    record.typeset, record.statistic, record.share = judgement.typeset, judgement.statistic, judgement.share
    record.seed_limit, record.seed_direction = judgement.seed_limit, judgement.seed_direction
    record.limits = [limit for limit in (judgement.low_limit, judgement.high_limit) if limit is not None]
    record.estimate, record.low, record.high = interval.estimate, interval.low, interval.high
    record.scale, record.scaled = judgement.scale, list(judgement.scaled)
    record.values = list(judgement.values)
    record.headroom, record.seeds_needed = judgement.headroom, judgement.seeds_needed
    look = Look(
        seeds=interval.n, estimate=interval.estimate, low=interval.low, high=interval.high, verdict=judgement.verdict
    )
    record.looks.append(look)


def _describe(session: Session, record: CaseRecord, case: Case, run: Run | Runs, word: Verdict) -> None:
    """Enter the facts of the run into the record: seeds, keys, endings, figure."""
    assert session.lab is not None
    record.seeds = list(run.seeds)
    for label, one in {"": run}.items() if isinstance(run, Run) else run.runs.items():
        record.keys[label or "experiment"] = session.lab.keys(one.experiment, len(run.seeds))
        if one.experiment.steps:
            record.settings[f"{label} ended".strip()] = one.endings
            record.settings[f"{label} steps".strip()] = ": ".join(choose_stepper(one.experiment))
    if case.claim.figure is not None and word != ERROR:
        try:
            record.figure = _figure(case.claim.figure, run)
        except CAUGHT as error:  # do not lose a verdict because its figure cannot be drawn
            record.settings["figure"] = f"not drawn: {one_line(error)}"


def _figure(figure: Callable[[Any], Figure], run: Run | Runs) -> Figure:
    """The figure of a run, as it was kept or made now."""
    place = place_of(figure, run)
    if place is not None and (kept := place.load()) is not None:
        with contextlib.suppress(KeyError, TypeError, ValueError):
            return built_figure(kept.common["figure"])
    with opened_outside() as opened:
        made = sound_figure(figure(run))
    if place is not None and not opened:
        place.save(Part("", {}, {"figure": plain(made)}))
    return made


def _end(session: Session, item: pytest.Item, word: Verdict, raised: BaseException | None, seconds: float) -> None:
    """Write the record of this attempt, and pass the verdict to pytest's report."""
    record = item.stash[RECORD]
    record.verdict, record.reason, record.seconds = word, one_line(raised) if raised else "", seconds
    if raised is not None and word in (ERROR, REFUTED):
        record.traceback = claim_traceback(item, raised)
    if word == HOLDS and record.control:
        record.reason = f"the control holds: {record.measured} does not detect {record.drops!r}; expected it REFUTED"
    elif word == HOLDS and record.not_reproduced:
        record.reason = f"now comes out: remove not_reproduced={record.not_reproduced!r}"
    session.journal.attempt(record)
    item.user_properties.extend(properties(record))


def _up_to_claim(raised: BaseException, code: types.CodeType) -> types.TracebackType | None:
    """The traceback of a verdict cut after the claim's own frame, so that debuggers stop on its `expect` line."""
    if not isinstance(raised, (Refuted, Inconclusive)):
        return raised.__traceback__
    frames, entry = [], raised.__traceback__
    while entry is not None:
        frames.append(entry)
        entry = entry.tb_next
    last = max((i for i, frame in enumerate(frames) if frame.tb_frame.f_code is code), default=len(frames) - 1)
    cut = None
    for frame in reversed(frames[: last + 1]):
        cut = types.TracebackType(cut, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return cut
