"""The built wheel alone, in a folder that is not ours: claims, pages, history, data sets, the form of claims."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gen_core.records import last_attempts

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CLAIM = README.split("```python\n")[1].partition("```")[0]
FIGURE = """
from gen_core.records import Curve, Figure, Panel

def losses(run):
    values = run.train_loss.tolist()
    curve = Curve(x=list(range(1, len(values) + 1)), y=values, style="points")
    return Figure(title="Losses", panels=[Panel(xlabel="seed", ylabel="training loss", curves=[curve])])
"""
DRAWN = CLAIM.replace("mine = Paper", f"{FIGURE}\nmine = Paper").replace("given=fit,", "given=fit, figure=losses,")
PLAIN = """
import atexit, os, sys

def say():
    with open(os.environ.get("PYTEST_XDIST_WORKER", "main") + ".loaded", "w") as out:
        print(*[name for name in ("torch", "scipy", "numpy") if name in sys.modules], file=out)

atexit.register(say)

def test_plain():
    assert "gen_core.plugin" in sys.modules
"""


def last(printed: str, what: str) -> Path:
    """The path on the last line of a run."""
    line = printed.splitlines()[-1]
    assert line.startswith(f"{what}: "), printed
    return Path(line.removeprefix(f"{what}: "))


def test_a_ten_line_claim_of_ones_own_runs_on_the_wheel_alone(foreign):
    assert len([line for line in CLAIM.splitlines() if line and not line.startswith(("from", "import"))]) <= 10
    (foreign.folder / "test_mine.py").write_text(CLAIM)
    where = foreign.call("-c", "import gen_core; print(gen_core.__file__)").stdout
    assert where.startswith(str(foreign.python.parents[1]))

    result = foreign.pytest("-v", hidden=("jinja2",))
    assert result.returncode == 0, result.stdout
    assert "test_descent_fits_random_labels[given] HOLDS" in result.stdout
    assert "test_descent_fits_random_labels[without-few_points] CONTROL REFUTED" in result.stdout
    assert result.stdout.splitlines()[-2] == ("no pages: pip install 'gen-core[report]' draws them at the end of a run")
    records, _ = last_attempts(last(result.stdout, "records"))
    assert {(record.case, record.verdict) for record in records} == {
        ("given", "HOLDS"),
        ("without-few_points", "REFUTED"),
    }


def test_data_model_rule_observable_and_hypothesis_of_ones_own_run_as_the_docs_have_them(foreign):
    text = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
    *code, said = re.findall(r"```(?:python|console)\n(.*?)```", text, re.DOTALL)
    (foreign.folder / "test_sparse.py").write_text("\n\n".join(code))

    result = foreign.pytest("-v")
    assert result.returncode == 0, result.stdout
    printed = {" ".join(line.split()) for line in result.stdout.splitlines()}
    assert [line for line in said.splitlines() if " ".join(line.split()) not in printed] == [], result.stdout


@pytest.mark.parametrize("workers", ["0", "1"])
def test_the_run_ends_with_a_report_that_opens(foreign, workers):
    (foreign.folder / "claims").mkdir()
    (foreign.folder / "pytest.ini").write_text("[pytest]\n")
    (foreign.folder / "claims" / "test_mine.py").write_text(DRAWN)
    result = foreign.pytest("-n", workers)
    assert result.returncode == 0, result.stdout
    index = last(result.stdout, "report")
    assert index == foreign.folder / "report" / "index.html"
    pages = list(index.parent.rglob("*.html"))
    assert {page.relative_to(index.parent).parts[0] for page in pages} == {
        "cases.html",
        "claims",
        "gallery.html",
        "history",
        "index.html",
        "papers",
    }
    for page in pages:
        links = re.findall(r'(?:href|src)="(?!https?:|#|data:)([^"#?]+)', page.read_text(encoding="utf-8"))
        assert [link for link in links if not (page.parent / link).is_file()] == [], page
    assert list((index.parent / "figures").glob("*.svg"))
    assert (foreign.folder / ".gen-core" / "history.sqlite").is_file()


def test_the_history_is_where_it_is_said_to_be_and_two_of_its_runs_are_compared(foreign):
    (foreign.folder / "test_mine.py").write_text(CLAIM)
    for _ in range(2):
        assert foreign.pytest("--history", "kept.sqlite").returncode == 0
    assert not (foreign.folder / ".gen-core" / "history.sqlite").exists()
    result = foreign.call("-m", "gen_core.report", "diff", "previous", "latest", "--history", "kept.sqlite")
    assert result.returncode == 0, result.stderr
    assert foreign.call("-m", "gen_core.report", "--help").stdout.startswith("usage: python -m gen_core.report ")


def test_the_pages_are_switched_off_as_any_plugin_is(foreign):
    (foreign.folder / "test_mine.py").write_text(CLAIM)
    result = foreign.pytest("-p", "no:gen_core.report.plugin")
    assert last(result.stdout, "records").is_dir()
    assert "no pages" not in result.stdout


def test_a_run_from_a_folder_within_finds_what_the_root_has_stored(foreign):
    (foreign.folder / "pytest.ini").write_text("[pytest]\n")
    (foreign.folder / "claims").mkdir()
    (foreign.folder / "claims" / "test_mine.py").write_text(CLAIM)
    assert foreign.pytest().returncode == 0
    result = foreign.pytest(within="claims")
    assert result.returncode == 0, result.stdout
    assert "trained: nothing new" in result.stdout
    assert last(result.stdout, "report").is_file()


def test_the_form_of_claims_is_checked(foreign):
    (foreign.folder / "test_mine_fits.py").write_text(CLAIM)
    result = foreign.pytest("--check-claims")
    assert result.returncode == 1
    assert [line for line in result.stdout.splitlines() if line.startswith("test_mine_fits.py:")] == [
        "test_mine_fits.py:1: no paragraph 'Measured:' in the docstring of the file",
        "test_mine_fits.py:15: test_descent_fits_random_labels: tolerance 0.01 has no comment with its origin",
    ]
    mended = CLAIM.replace("vanishes.", "vanishes.\n\nMeasured: the loss.\n").replace("(0.01)", "(0.01)  # of 1")
    (foreign.folder / "test_mine_fits.py").write_text(mended)
    result = foreign.pytest("--check-claims")
    assert result.returncode == 0, result.stdout
    assert "1 claim file is well formed" in result.stdout


def test_data_sets_are_there_and_so_is_the_command_that_gets_them(foreign):
    use = "from gen_core.data import MNIST, Digits, Gaussian; import torch; d = Gaussian(5, 3).draw(torch.Generator())"
    loaded = "import sys; print(d.X.shape[0], *[m for m in ('pooch', 'requests', 'sklearn') if m in sys.modules])"
    assert foreign.call("-c", f"{use}\n{loaded}").stdout == "5\n"
    missing = "import os; os.environ['GEN_CORE_DATA'] = 'none'; MNIST(5).source()"
    said = foreign.call("-c", f"{use}\n{missing}").stderr.splitlines()[-1]
    assert "get it with: python -m gen_core.data mnist (or set GEN_CORE_DATA)" in said
    assert foreign.call("-m", "gen_core.data", "--help").stdout.startswith("usage: python -m gen_core.data ")
    without = foreign.call("-m", "gen_core.data", hidden=("pooch",))
    assert (without.returncode, without.stderr) == (
        1,
        "pooch is not installed; get it with: pip install 'gen-core[data]'\n",
    )


@pytest.mark.parametrize("workers", ["0", "1"])
def test_plain_tests_do_not_wait_for_torch(foreign, workers):
    (foreign.folder / "test_plain.py").write_text(PLAIN)
    result = foreign.pytest("-n", workers, "-p", "no:hypothesispytest", "-p", "no:benchmark")
    assert result.returncode == 0, result.stdout
    loaded = {path.stem: path.read_text() for path in foreign.folder.glob("*.loaded")}
    assert loaded == {"main" if workers == "0" else "gw0": "\n"}


def test_the_process_with_the_terminal_does_not_wait_for_torch_either(foreign):
    (foreign.folder / "conftest.py").write_text(PLAIN.partition("def test_plain")[0])
    (foreign.folder / "test_plain.py").write_text("def test_plain():\n    pass\n")
    assert foreign.pytest("-n", "1").returncode == 0
    loaded = {path.stem: path.read_text() for path in foreign.folder.glob("*.loaded")}
    assert loaded == {"main": "\n", "gw0": "\n"}
