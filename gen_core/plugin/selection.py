"""After collection: markers of papers, the split of the error budget, the plan, and `--list-claims`."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from gen_core.declaration import verdict_marks
from gen_core.engines.asking import Asking
from gen_core.lab import Lab
from gen_core.plugin import progress, terminal
from gen_core.plugin.engine import engine_lines
from gen_core.plugin.filling import train_only
from gen_core.plugin.misnamed import misnamed
from gen_core.plugin.options import on_worker
from gen_core.plugin.planning import plan_lines
from gen_core.plugin.session import Session, case_of
from gen_core.plugin.signals import end_as_interrupted
from gen_core.plugin.well_formed import form_defects
from gen_core.plugin.within import not_tonight
from gen_core.records import visible


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, None, None]:
    """Mark claims by paper and expected verdict before `-m` is applied, and plan for those that remain after it."""
    ours = Session.of(config)
    ours.whole = _is_whole(config, {item.path for item in items})
    for item in items:
        case = case_of(item)
        if case is not None:
            ours.shares += 1
            paper = case.claim.cite.paper
            if paper.key not in ours.papers:
                config.addinivalue_line("markers", f"{paper.key}: claims of {paper}")
            ours.papers.setdefault(paper.key, (paper, set()))[1].update(case.claim.cite.statements)
            item.add_marker(paper.key)
            for mark in verdict_marks(case, ours.scale):
                item.add_marker(mark)
    yield
    ours.items = {item.nodeid: case for item in items if (case := case_of(item))}
    refusals = {nodeid: why for nodeid, case in ours.items.items() if (why := ours.refusal(case))}
    for nodeid, why in (refusals | misnamed(items)).items():
        refused = pytest.CollectReport(nodeid, "failed", f"{nodeid}: InvalidClaim: {why}", [])
        config.hook.pytest_collectreport(report=refused)
    if ours.items:
        lab, hours = ours.plan(), ours.options.within
        if hours is not None and (left_out := not_tonight(ours, lab, hours)):
            for item in items:
                if item.nodeid in left_out:
                    item.add_marker(pytest.mark.skip(reason=left_out[item.nodeid]))
            ours.left_out = left_out
            ours.plan()
        if on_worker(config):
            _longest_first(ours, items)


def _is_whole(config: pytest.Config, files: set[Path]) -> bool:
    """Whether all files of tests in the folders of some were collected, and whole."""
    patterns = config.getini("python_files")
    beside = {path for folder in {file.parent for file in files} for one in patterns for path in folder.glob(one)}
    return beside <= files and not any("::" in one for one in config.args)


def _refuse_xfail(items: list[pytest.Item], scale: str) -> None:
    """Reject xfail marks other than our own, which would turn a red claim green.

    Raises:
        UsageError: naming the claim and the mark.
    """
    for item in items:
        case = case_of(item)
        own = [decorator.mark for decorator in verdict_marks(case, scale)] if case else []
        for mark in item.iter_markers("xfail") if case else ():
            if mark not in own:
                raise pytest.UsageError(
                    f"{item.nodeid} has a mark xfail({mark.kwargs.get('reason', '')!r}); expected none on a claim: "
                    "not_reproduced= declares that it does not come out, without= its controls"
                )


def _longest_first(ours: Session, items: list[pytest.Item]) -> None:
    """Put claims with long trainings first, in one order on all workers, so that no worker ends with a long one."""
    assert ours.lab is not None
    rank: dict[str, int] = {}
    for place, group in enumerate(ours.lab.planned.groups):
        for demand in group:
            for nodeid in demand.cases:
                rank.setdefault(nodeid, place)
    claims = iter(sorted((i for i in items if i.nodeid in rank), key=lambda item: rank[item.nodeid]))
    items[:] = [next(claims) if item.nodeid in rank else item for item in items]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin the records if claims will run; before other hooks, since xdist's controller then looks for them."""
    config, ours = session.config, Session.of(session.config)
    if ours.lab is None or config.getoption("collectonly") or not ours.options.judges:
        return
    try:
        _refuse_xfail(session.items, ours.scale)
        ours.open(ours.lab)
        if isinstance(ours.lab.engine, Asking):
            ours.lab.engine.plan()
    except pytest.UsageError as error:
        if on_worker(config):  # xdist reports a usage error as a crash; this way the controller shows it and stops
            session.shouldfail = str(error)
            raise session.Failed(session.shouldfail) from None
        raise
    if not on_worker(config):
        end_as_interrupted(config)
        progress.begin(config, ours.journal.progress)


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """The conditions under which the claims run; nothing where there are no claims."""
    ours = Session.of(config)
    if ours.lab is None:
        return []
    lines = terminal.conditions(ours.run_record(), len(ours.items))
    if ours.left_out:
        left = f"{len(ours.left_out)} of {len(ours.items)} cases are NOT RUN tonight"
        lines.append(f"--within {ours.options.within:g} h: {left}, since their claims do not fit")
    return [visible(line) for line in (*lines, *(_planned(ours, ours.lab) if ours.options.plan else []))]


def _planned(ours: Session, lab: Lab) -> list[str]:
    return [*plan_lines(lab), *engine_lines(ours.config, lab)]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Print what `--plan`, `--list-claims` and `--check-claims` tell, or only train, where that is asked for."""
    ours = Session.of(session.config)
    if ours.options.judges or session.testsfailed:
        return None
    if not ours.options.inspects:
        if ours.lab is not None:
            train_only(session, ours.lab)
        return True
    lines = terminal.claim_lines(ours.items, ours.scale) if ours.options.list_claims else []
    if ours.options.check_claims:
        found, last = _defects_of(session)
        session.testsfailed = len(found)  # the exit status follows
        lines += [*found, last]
    writer = session.config.get_terminal_writer()
    writer.line()
    for line in lines:
        writer.line(visible(line))
    return True


def _defects_of(session: pytest.Session) -> tuple[list[str], str]:
    """Defects in the files of the selected claims, a line each, and how many of the files have none."""
    papers: dict[Path, list[str]] = {}
    for item in session.items:
        if case := case_of(item):
            papers.setdefault(item.path, []).append(case.claim.cite.paper.key)
    lines, good, here = [], 0, session.config.invocation_params.dir
    for path, keys in papers.items():
        found = form_defects(path.name, path.read_text(encoding="utf-8"), keys)
        lines += [f"{os.path.relpath(path, here)}:{line}: {what}" for line, what in found]
        good += not found
    counted = f"{good} of {len(papers)}" if lines else f"{good}"
    return lines, f"{counted} claim file{' is' if counted == '1' else 's are'} well formed"
