"""What a run leaves behind: records, the count of trainings, properties, commands that repeat it."""

from __future__ import annotations

import json
import shlex
import xml.etree.ElementTree as ElementTree

import pytest
import torch

from gen_core.plugin.journal import RUNS_KEPT

HOLDS = """
@claim(**TOY)
def test_small(run):
    expect(loss(run), "loss").at_most(LIMIT)
"""
MISSING = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Elsewhere(Points):
    what: str = "missing"
    def source(self):
        if self.what == "missing":
            raise DataMissing("digits.npz is not in /data\\nget it with: python -m gen_core.data digits")
        raise DataDamaged("/data/digits.npz has 12 bytes; expected 7 MB (remove it)")

@claim(**{**TOY, "given": {"missing": replace(clean, data=Elsewhere()),
                           "damaged": replace(clean, data=Elsewhere(what="damaged"))}})
def test_on_files(run):
    expect(loss(run), "loss").at_most(2)
"""


def test_a_second_run_trains_nothing_and_a_new_tolerance_judges_anew(suite):
    suite.claims(HOLDS.replace("LIMIT", "2"))
    suite.run().stdout.fnmatch_lines(["trained: 4 blocks of seeds of 2 experiments, beside what was in the store"])
    assert suite.record.trainings == 4  # two experiments in two blocks of seeds
    assert [case.trained for case in suite.cases.values()] == [8, 8]

    result = suite.run()
    result.stdout.fnmatch_lines(["trained: nothing new"])
    assert result.ret == 0
    assert [case.trained for case in suite.cases.values()] == [0, 0]

    suite.claims("\n\n" + HOLDS.replace("LIMIT", "-1"))
    result = suite.run()
    result.stdout.fnmatch_lines(["trained: nothing new"])
    assert result.ret == 1
    assert suite.cases["test_small[given]"].verdict == "REFUTED"


@pytest.mark.parametrize(
    ("selected", "whole"),
    [
        ([], True),
        (["-k", "given"], True),
        (["test_claims.py"], False),
        (["test_claims.py", "test_more.py"], True),
        (["test_claims.py::test_small", "test_more.py"], False),
    ],
)
def test_a_record_says_whether_all_claims_were_collected(suite, selected, whole):
    suite.claims(HOLDS.replace("LIMIT", "2"))
    suite.claims(HOLDS.replace("LIMIT", "2").replace("test_small", "test_more"), "test_more.py")
    suite.run(*selected)
    assert [paper.whole for paper in suite.record.papers] == [whole]


def test_a_record_says_what_was_judged_and_how_to_repeat_it(suite):
    suite.claims(HOLDS.replace("LIMIT", "2"))
    suite.run("--seeds-from", "7", "--error-budget", "0.02", "--max-seeds", "32", "-k", "given")
    case = suite.cases["test_small[given]"]

    assert (case.paper, case.case, case.control, case.worker) == ("toy", "given", False, "")
    assert case.citation == 'A. Author, "On toys" (2020), Theorem 1'
    assert (case.reference, case.year, case.place) == ('A. Author, "On toys" (2020)', 2020, "Theorem 1")
    assert (case.kind, case.work, case.statistic, case.share) == ("setting", "trained", "mean", None)
    assert case.statement.startswith("The loss is small.\n\nMeasured")
    assert (case.title, case.measured, case.tolerance) == ("The loss is small.", "loss", "<= 2")
    assert (case.limits, case.direction) == ([2.0], "at most")
    assert case.level == 0.01  # of 2 cases, although one was selected
    assert case.seeds == list(range(7000, 7008))
    assert case.estimate == pytest.approx(sum(case.values) / 8)
    assert case.headroom is not None
    assert case.headroom > 0
    assert [look.seeds for look in case.looks] == [8]
    (hypothesis,) = case.hypotheses
    assert (hypothesis.name, hypothesis.checked, hypothesis.holds) == ("noiseless", "noise 0", True)
    assert case.recipes["experiment"]["data"]["recipe"] == "Points"
    assert len(case.keys["experiment"]) == 2  # the blocks of seeds 0 to 3 and 4 to 7
    assert case.settings["ended"] == "8 by steps at step 20"
    run = suite.record
    assert (run.exit_status, run.shares, run.budget, run.seeds_from) == (0, 2, 0.02, 7)
    assert run.environment["torch"] == torch.__version__
    assert shlex.split(run.repeat)[-2:] == ["--seeds-from", "7"]
    assert run.arguments[-6:] == ["--error-budget", "0.02", "--max-seeds", "32", "-k", "given"]
    assert "--seeds-from" not in run.arguments

    suite.run(*shlex.split(case.repeat)[1:])
    again = suite.cases["test_small[given]"]
    assert (again.values, again.low, again.high, again.level) == (case.values, case.low, case.high, case.level)
    assert suite.record.trainings == 0


def test_fresh_seeds_are_printed_with_the_command_that_repeats_them(suite):
    suite.claims(HOLDS.replace("LIMIT", "2"))
    suite.run("-n", "2", "--seeds-from", "fresh").stdout.fnmatch_lines(["repeat with: pytest * --seeds-from 2*"])
    run, first = suite.record, suite.cases
    assert run.fresh
    seeds = {seed for case in first.values() for seed in case.seeds}
    assert seeds == {run.seeds_from * 1000 + i for i in range(8)}  # one base for both workers

    suite.run(*shlex.split(run.repeat)[1:], "-n", "0")
    assert (suite.record.seeds_from, suite.record.trainings) == (run.seeds_from, 0)
    assert {name: case.values for name, case in suite.cases.items()} == {n: c.values for n, c in first.items()}

    suite.run("--seeds-from", str(run.seeds_from + 1))
    assert not seeds & {seed for case in suite.cases.values() for seed in case.seeds}


def test_numpy_values_cross_to_the_controller_as_builtins(suite):
    suite.claims("""
@claim(**TOY)
def test_numpy(run, record_property):
    record_property("scalar", np.float32(0.5))
    record_property("enum", np.float64)
    expect(loss(run).numpy(), "loss").at_most(np.float32(2))
""")
    result = suite.run("-n", "2", "--junitxml=junit.xml", "-k", "given")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    told = {
        p.get("name"): p.get("value")
        for p in ElementTree.parse(suite.pytester.path / "junit.xml").iterfind(".//property")
    }
    assert (told["state"], told["verdict"], told["tolerance"]) == ("HOLDS", "HOLDS", "<= 2")
    assert float(told["low"]) < float(told["estimate"]) < float(told["high"])
    assert told["scalar"] == "0.5"


def test_missing_data_is_not_run_and_damaged_data_is_an_error(suite):
    suite.claims(MISSING)
    result = suite.run("-ra", "-v", "-k", "given or missing or damaged")
    assert result.ret == 1
    cases = suite.cases
    assert cases["test_on_files[missing]"].verdict == "NOT RUN"
    assert cases["test_on_files[missing]"].reason.endswith("get it with: python -m gen_core.data digits")
    assert cases["test_on_files[damaged]"].verdict == "ERROR"
    result.stdout.fnmatch_lines(
        [
            "*test_on_files?missing? NOT RUN *",
            "*test_on_files?damaged? ERROR *",
            "test_claims.py:*: DataDamaged: /data/digits.npz has 12 bytes; expected 7 MB (remove it)",
            "NOT RUN * test_claims.py:*: NOT RUN: digits.npz is not in /data get it with: python -m *",
        ]
    )
    suite.run("--require-data", "-k", "missing").stdout.fnmatch_lines(["*: DataMissing: digits.npz is not in /data*"])
    assert suite.cases["test_on_files[missing]"].verdict == "ERROR"


def test_what_keeps_a_case_from_its_set_up_is_recorded(suite):
    suite.claims("""
import pytest

@pytest.fixture
def broken():
    raise ValueError("no such thing")

@claim(**TOY)
def test_with_fixture(broken, run):
    expect(loss(run), "loss").at_most(2)

@pytest.mark.skip(reason="slow")
@claim(**TOY)
def test_marked(run):
    expect(loss(run), "loss").at_most(2)
""")
    assert suite.run().ret == 1
    cases = suite.cases
    assert (cases["test_with_fixture[given]"].verdict, cases["test_with_fixture[given]"].reason) == (
        "ERROR",
        "ValueError: no such thing",
    )
    assert (cases["test_marked[given]"].verdict, cases["test_marked[given]"].reason) == ("NOT RUN", "slow")


def test_a_figure_that_cannot_be_drawn_costs_no_verdict(suite):
    suite.claims("""
@claim(**TOY, figure=lambda run: 3)
def test_three(run):
    expect(loss(run), "loss").at_most(2)

@claim(**TOY, figure=lambda run: 1 / 0)
def test_raising(run):
    expect(loss(run), "loss").at_most(2)
""")
    assert suite.run("-k", "given").ret == 0
    said = suite.cases["test_three[given]"].settings["figure"]
    assert said == "not drawn: figure gave a int; expected a gen_core.records.Figure"
    assert suite.cases["test_raising[given]"].settings["figure"] == "not drawn: ZeroDivisionError: division by zero"


FIGURES = """
from gen_core import InvalidFigure
from gen_core.records import Curve, Figure, Panel

def drawn(**curve):
    return Figure(title="t", panels=[Panel(xlabel="x", ylabel="y", curves=[Curve(**{"x": [1], "y": [2], **curve})])])

def spoiled(run):
    figure = drawn()
    figure.panels[0].curves += ["no curve"]
    return figure

def large(run):
    return Figure(title="t", panels=drawn().panels * 51)

def skipped(run):
    import pytest
    pytest.skip("no figure today")

for name, figure in {
    "range": lambda run: drawn(x=range(8), y=loss(run)),
    "numpy": lambda run: drawn(x=np.arange(8), y=loss(run).numpy(), low=loss(run) - 1, high=loss(run) + np.nan),
    "lengths": lambda run: drawn(x=range(7), y=loss(run)),
    "spoiled": spoiled,
    "large": large,
    "skipped": skipped,
}.items():
    @claim(**TOY, figure=figure)
    def test(run):
        expect(loss(run), "loss").at_most(2)
    globals()[f"test_{name}"] = test
del test
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_figure_that_fails_is_a_warning_and_never_a_verdict(suite, workers):
    suite.claims(FIGURES)
    result = suite.run("-n", workers, "-k", "given", "--color", "yes")
    assert result.ret == 0
    assert {case.verdict for case in suite.cases.values()} == {"HOLDS"}
    result.stdout.no_fnmatch_line("*left out*")
    assert suite.cases["test_range[given]"].figure.panels[0].curves[0].x == [0, 1, 2, 3, 4, 5, 6, 7]
    (curve,) = suite.cases["test_numpy[given]"].figure.panels[0].curves
    assert (len(curve.low), curve.high) == (8, [None] * 8)
    start = "\x1b[33mwarning: figure of test_claims.py::test_"
    warnings = [line.removeprefix(start) for line in result.outlines if line.startswith(start)]
    curves = "curve '' has 7 values of x, 8 values of y; expected as many of x and y, and of low and high or neither"
    assert sorted(line.removesuffix("\x1b[0m") for line in warnings) == [
        "large[given]: not drawn: figure of 51 panels and 0.0 MiB; expected at most 50 and 16",
        f"lengths[given]: not drawn: {curves}",
        "skipped[given]: not drawn: Skipped: no figure today",
        "spoiled[given]: not drawn: ValueError: figure: holds a str where a Curve is expected",
    ]


def test_an_interrupted_run_is_closed_and_names_what_it_did_not_reach(suite):
    suite.claims("""
@claim(**TOY)
def test_first(run):
    expect(loss(run), "loss").at_most(2)

@claim(**TOY)
def test_stopping(run):
    raise KeyboardInterrupt
""")
    result = suite.pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:randomly")
    assert result.ret == 2
    assert suite.record.exit_status == 2
    assert suite.cases["test_first[given]"].verdict == "HOLDS"
    assert suite.cases["test_stopping[given]"].verdict is None
    result.stdout.fnmatch_lines(["NOT REACHED *stopping?given?*"])
    assert sorted(path.name for path in suite.folder.iterdir()) == ["attempts", "cases.json", "run.json", "trainings"]


def test_old_runs_are_removed_and_the_last_line_says_where_the_records_are(suite):
    suite.claims(HOLDS.replace("LIMIT", "2"))
    suite.run("-q")
    first = suite.folder
    for i in range(RUNS_KEPT + 5):
        (first.parent / f"19990101-{i:06d}").mkdir()
        (first.parent / f"19990101-{i:06d}" / "run.json").write_text("{}")
    result = suite.run("-q")
    assert result.outlines[-1] == f"records: {suite.folder}"
    kept = sorted(path.name for path in first.parent.iterdir())
    assert len(kept) == RUNS_KEPT
    assert kept[-2:] == [first.name, suite.folder.name]


def test_a_project_without_claims_sees_nothing(suite):
    threads = torch.get_num_threads()
    suite.pytester.makepyfile(
        test_plain="""
        import torch
        def test_threads():
            assert torch.get_num_threads() == 3
    """
    )
    torch.set_num_threads(3)
    try:
        result = suite.run()
    finally:
        torch.set_num_threads(threads)
    assert result.ret == 0
    assert not [line for line in result.outlines if "gen-core" in line and not line.startswith("plugins:")]
    assert sorted(p.name for p in suite.pytester.path.iterdir() if p.name[0] not in "._") == ["test_plain.py", "toy.py"]


def test_values_agree_however_the_run_is_spread(suite):
    suite.claims(HOLDS.replace("LIMIT", "2"))
    found = []
    for i, spread in enumerate([(), ("-n", "2"), ("-n", "2", "--dist", "worksteal")]):
        suite.run("--store", f"store{i}", *spread)
        assert suite.record.trainings == 4
        found.append(json.dumps({name: [f"{v:.6e}" for v in case.values] for name, case in suite.cases.items()}))
    assert found[0] == found[1] == found[2]


FAILING = """
def broken(run):
    raise ZeroDivisionError("nothing\\nis left")

@claim(**TOY, formula="x^2")
def test_{name}(run):
    {line}
"""


@pytest.mark.parametrize(
    ("line", "last"),
    [
        ('expect(loss(run), "loss").at_most(-1)', "loss is "),
        ("broken(run)", "ZeroDivisionError: nothing is left"),
    ],
)
def test_a_record_of_a_failure_has_the_lines_of_the_claims_file(suite, line, last):
    suite.claims(FAILING.format(name="bad", line=line))
    suite.run("-k", "given")
    told = suite.cases["test_bad[given]"].traceback.splitlines()

    text = (suite.pytester.path / "test_claims.py").read_text().splitlines()
    at = text.index(f"    {line}") + 1
    assert told[:2] == [f"test_claims.py:{at}: in test_bad", f"    {line}"]
    if line == "broken(run)":
        assert told[2] == f"test_claims.py:{text.index('def broken(run):') + 2}: in broken"
    assert told[-1].startswith(last)
    assert suite.cases["test_bad[given]"].formula == "x^2"


def test_a_failure_outside_of_the_claims_file_has_the_claims_place(suite):
    suite.claims("@claim(**{**TOY, 'given': replace(clean, rule=GD(rate=1e9), steps=200)})\n"
                 "def test_diverging(run):\n    expect(loss(run), 'loss').at_most(1)")  # fmt: skip
    suite.run("-k", "given")
    first, last = suite.cases["test_diverging[given]"].traceback.splitlines()
    assert first == "test_claims.py:6: test_diverging[given]"
    assert last.startswith("training diverged")


def test_a_case_that_holds_has_no_traceback(suite):
    suite.claims(HOLDS.replace("LIMIT", "2"))
    suite.run("--store", "elsewhere")
    assert suite.cases["test_small[given]"].traceback == ""
    assert suite.record.store == "elsewhere"
