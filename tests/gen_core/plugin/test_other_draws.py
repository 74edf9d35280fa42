"""A stored training is believed only if its data and starts are what its recipe draws now, however that has changed."""

from __future__ import annotations

import pytest

from gen_core.training import draws

CLAIM = """
import teacher

{before}

@dataclass(frozen=True)
class P:
    n: int = 60
    inputs: tuple = (3,)
    noise: float = 0.0

    def draw(self, g):
        X = torch.randn(self.n, 3, generator=g, dtype=torch.float64)
        return Data(X, {slope} * X.sum(1))

@dataclass(frozen=True)
class Steep(Linear):
    def init(self, inputs, generator, dtype):
        return {{k: v + {start} for k, v in super().init(inputs, generator, dtype).items()}}

few = Experiment(data=P(), model=Steep(), rule=GD(0.1), loss=Square(), steps={steps}, dtype="float64")

@claim(**{{**TOY, "given": few, "without": {{noiseless: noisy}}}})
def test_weights(run):
    expect(run.w.mean(1), "mean weight").always_at_most(2.5)
"""
IMPORTS = """
from dataclasses import dataclass
from pathlib import Path
from gen_core import Data, Experiment, Linear, Square
"""
HELPER = "from mine.teacher import SLOPE\n\ndef slope():\n    return SLOPE\n"
KNOWN, OTHER = "is of another key", "was trained on other data (seed 0)"
WAYS = {
    "environment": ("", 'float(os.environ["SLOPE"])', OTHER),
    "file": ("", 'float(Path("slope.txt").read_text())', OTHER),
    "patched": ("", "teacher.SLOPE", KNOWN),
    "built name": ("", 'getattr(teacher, "SLO" + "PE_OF_FILE")', KNOWN),
    "name at run time": (
        "",
        'getattr(__import__("tea" + "cher"), "SLOPE_OF_FILE")',
        OTHER,
    ),
    "module": ("", "teacher.SLOPE_OF_FILE", KNOWN),
    "helper of a package": ("from mine.helpers import slope", "slope()", KNOWN),
    "without source": ('exec(Path("slope.py").read_text())', "slope()", KNOWN),
}


@pytest.fixture
def papers(suite, monkeypatch):
    """Writes a paper whose slope, or start, is so much; as a new process, nothing is cached."""

    def write(way: str = "environment", slope: str = "1.0", start: str = "0.0", where: str = "slope") -> None:
        before, value, _ = WAYS[way]
        folder = suite.pytester.path
        (folder / "mine").mkdir(exist_ok=True)
        (folder / "mine" / "__init__.py").write_text("")
        (folder / "mine" / "teacher.py").write_text(f"SLOPE = {slope}\n")
        (folder / "mine" / "helpers.py").write_text(
            "from mine.teacher import SLOPE\n\ndef slope():\n    return SLOPE\n"
        )
        (folder / "teacher.py").write_text(f"SLOPE = 0.0\nSLOPE_OF_FILE = {slope}\n")
        (folder / "slope.py").write_text(f"def slope():\n    return {slope}\n")
        (folder / "slope.txt").write_text(slope)
        (folder / "conftest.py").write_text(f"import teacher\nteacher.SLOPE = {slope}\n")
        monkeypatch.setenv("SLOPE", slope)
        monkeypatch.setenv("START", start)
        monkeypatch.syspath_prepend(folder)
        here = {"slope": value, "start": 0.0, "steps": 300}
        if where == "start":
            here = {"slope": 1.0, "start": 'float(os.environ["START"])', "steps": 1}
        suite.claims(IMPORTS + CLAIM.format(before=before, **here))

    return write


def verdict(suite, monkeypatch, *, same_process: bool = False) -> str:
    if not same_process:
        monkeypatch.setattr(draws, "_cache", draws._SampleCache())
    suite.said = suite.run("-k", "given", "-p", "no:xdist").stdout.str()
    return suite.cases["test_weights[given]"].verdict


@pytest.mark.parametrize("way", WAYS)
def test_what_a_draw_looks_up_elsewhere_is_never_believed_from_the_store(suite, papers, monkeypatch, way):
    papers(way)
    assert verdict(suite, monkeypatch) == "HOLDS"
    assert suite.record.trainings > 0
    assert verdict(suite, monkeypatch) == "HOLDS"
    assert suite.record.trainings == 0

    papers(way, "5.00")
    assert verdict(suite, monkeypatch) == "REFUTED"
    assert suite.record.trainings > 0
    assert (f"of Steep on P, GD {WAYS[way][2]}; it is trained again" in suite.said) == (WAYS[way][2] != KNOWN)

    assert verdict(suite, monkeypatch) == "REFUTED"
    assert suite.record.trainings == 0


def test_another_start_is_no_result_either(suite, papers, monkeypatch):
    papers(where="start")
    assert verdict(suite, monkeypatch) == "HOLDS"
    papers(where="start", start="9.00")
    assert verdict(suite, monkeypatch) == "REFUTED"
    assert "of Steep on P, GD was trained from another start (seed 0); it is trained again" in suite.said


def test_a_draw_that_changes_within_a_process_is_refused_and_then_drawn_anew(suite, papers, monkeypatch):
    papers()
    assert verdict(suite, monkeypatch) == "HOLDS"
    papers(slope="5.00")
    assert verdict(suite, monkeypatch, same_process=True) == "ERROR"
    assert suite.cases["test_weights[given]"].reason.startswith(
        "P does not draw what it drew before (seed 0); expected"
    )
    assert verdict(suite, monkeypatch, same_process=True) == "REFUTED"
