"""The pytest plugin: options, planning after collection, judging, records, and the lines on the terminal."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from gen_core import device
from gen_core.errors import GenCoreError
from gen_core.plugin import hooks, judging, terminal
from gen_core.plugin.options import add_options
from gen_core.plugin.progress import ProgressLine
from gen_core.plugin.session import KEY, Session, case_of, writable
from gen_core.records import ERROR, HOLDS, INCONCLUSIVE, REFUTED, read_cases, read_run

LINE = pytest.StashKey[ProgressLine]()


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hooks)


def on_worker(config: pytest.Config) -> bool:
    """Whether this process is an xdist worker."""
    return hasattr(config, "workerinput")


def pytest_cmdline_main(config: pytest.Config) -> None:
    if config.getoption("list_claims") or config.getoption("plan"):
        config.option.numprocesses, config.option.dist, config.option.tx = None, "no", []


def pytest_configure(config: pytest.Config) -> None:
    folder = config.getoption("data_dir")
    if folder is not None:
        if not Path(folder).is_dir():
            raise pytest.UsageError(
                f"data directory {folder} is not there; expected a folder with data sets (--data-dir)"
            )
        os.environ["GEN_CORE_DATA"] = str(Path(folder).resolve())
    if on_worker(config):
        _pin(config)
    elif config.getoption("report_dir") != "report":
        writable(Session.of(config).report_dir)


def _pin(config: pytest.Config) -> None:
    import torch

    count = torch.cuda.device_count()  # counts without touching a device
    if count and config.getoption("device") != "cpu":
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        os.environ["CUDA_VISIBLE_DEVICES"] = device.visible_gpu(Session.of(config).worker, visible, count)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One worker per GPU, since seeds are batched on it; without a GPU xdist's own choice."""
    import torch

    return torch.cuda.device_count() or None if config.getoption("device") != "cpu" else None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    session = Session.of(node.config)
    sent = {"gen_core_run": session.run, "gen_core_base": session.base, "gen_core_report": str(session.report_dir)}
    node.workerinput.update(sent)


def pytest_report_header(config: pytest.Config) -> list[str]:
    session, option = Session.of(config), config.getoption
    drawn = f" (drawn from the date; repeat with --seeds-from {session.base})" if session.fresh else ""
    return [
        f"gen-core: scale {session.scale}, device {option('device')}, seeds from {session.base}{drawn}, "
        f"error budget {option('error_budget'):.2g} per side over the run"
    ]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, None, None]:
    session = Session.of(config)
    papers = {}
    for item in items:
        case = case_of(item)
        if case:
            session.shares += 1
            papers.setdefault(case.claim.cite.paper.key, case.claim.cite.paper)
    for key, paper in papers.items():
        config.addinivalue_line("markers", f"{key}: claims of {paper}")
    for item in items:
        case = case_of(item)
        if case:
            item.add_marker(case.claim.cite.paper.key)
    yield
    session.items = {item.nodeid: case for item in items if (case := case_of(item))}
    if session.items:
        lab = session.plan()
        rank = {case: i for i, group in enumerate(lab.groups) for d in group for case in reversed(d.cases)}
        claims = iter(sorted((i for i in items if case_of(i)), key=lambda item: rank[item.nodeid]))
        items[:] = [next(claims) if case_of(item) else item for item in items]


def pytest_collection_finish(session: pytest.Session) -> None:
    ours, option = Session.of(session.config), session.config.getoption
    if ours.items and not (option("collectonly") or option("list_claims")):
        ours.open()


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    session = Session.of(config)
    if not session.items:
        return []
    over = config.getoption("budget_over") or session.shares
    lines = [
        f"error budget: {config.getoption('error_budget'):.2g} over {over} cases = {session.level:.2g} per case and side"
    ]
    if config.getoption("plan") and session.lab:
        lines += terminal.plan_lines(session.lab)
    return lines


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    if not session.config.getoption("list_claims"):
        return None
    writer = session.config.get_terminal_writer()
    writer.line()
    for line in terminal.claim_lines(Session.of(session.config).items):
        writer.line(line)
    return True


@pytest.fixture
def run(request: pytest.FixtureRequest) -> None:
    """The finished experiment of a claim; trained when the claim is called, look by look."""
    case = case_of(request.node)
    if case is None:
        raise pytest.UsageError(f"{request.node.nodeid} takes `run` and is not a claim; expected the @claim decorator")
    judging.set_up(Session.of(request.config), request.node, case)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    __tracebackhide__ = True
    case = case_of(pyfuncitem)
    if case is None:
        return None
    judging.judge(Session.of(pyfuncitem.config), pyfuncitem, case)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, GenCoreError) and report.failed:
        report.longrepr = f"{call.excinfo.typename}: {call.excinfo.value}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    error = getattr(getattr(report, "call", None), "excinfo", None)
    if report.failed and error is not None and isinstance(error.value, GenCoreError):
        path = getattr(collector, "path", None)
        line = next((e.lineno + 1 for e in reversed(error.traceback) if Path(e.path) == path), None)
        report.longrepr = f"{collector.nodeid}{f':{line}' if line else ''}: {error.typename}: {error.value}"
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    told = dict(report.user_properties).get("verdict") if isinstance(report, pytest.TestReport) else None
    if told is None or (report.when != "call" and report.passed):
        return None
    reason = getattr(report, "wasxfail", "")
    if report.passed and told == HOLDS:
        return "passed", ".", HOLDS
    if report.skipped:
        if reason.startswith("not reproduced"):
            return "not reproduced", "n", "NOT REPRODUCED"
        return ("xfailed", "x", "CONTROL REFUTED") if reason else ("skipped", "s", str(told))
    if report.failed:
        letter, word = {INCONCLUSIVE: ("I", INCONCLUSIVE), ERROR: ("E", ERROR), REFUTED: ("R", REFUTED)}.get(
            told, ("F", "UNEXPECTED")
        )
        return ("error" if report.when != "call" else "failed"), letter, word
    return None


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str, report: pytest.TestReport, sched: Any) -> None:
    """A worker was killed: the case that it ran is an ERROR, with the reason."""
    session = Session.of(sched.config)
    record = next((r for r in read_cases(session.records / "cases.json") if r.nodeid == crashitem), None)
    if record is not None:
        record.verdict, record.reason = ERROR, "the worker process was killed or crashed while this case ran"
        judging.write_attempt(session, record)
        report.user_properties.append(("verdict", ERROR))


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    writer = config.get_terminal_writer()
    if not on_worker(config) and not config.getoption("collectonly"):
        folder = Session.of(config).records / "progress"
        config.stash[LINE] = ProgressLine(
            folder, writer._file, terminal=writer.isatty() if hasattr(writer, "isatty") else writer._file.isatty()
        )
        config.stash[LINE].start()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    if on_worker(config):
        return
    if LINE in config.stash:
        config.stash[LINE].stop()
    ours = Session.of(config)
    if ours.close(int(exitstatus)):
        ours.report = [str(path) for path in config.hook.pytest_gen_core_finished(config=config, records=ours.records)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ours = Session.of(terminalreporter.config)
    if not (ours.records / "run.json").exists():
        return
    run = read_run(ours.records / "run.json")
    terminalreporter.section("claims, worst first")
    for line in terminal.case_lines(terminal.merged(ours.records)):
        terminalreporter.line(line)
    terminalreporter.line(
        f"error budget: at most {run.budget:.2g} chance of any false verdict per side, over {run.shares} cases; "
        f"seeds from {run.seeds_from}; repeat: {run.repeat}"
    )
    for note in ours.notes():
        terminalreporter.line(note)
    terminalreporter.line(f"trainings: {run.trainings}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """The path of what was made of the records is the very last line."""
    for path in Session.of(config).report if KEY in config.stash else []:
        print(f"report: {path}")
