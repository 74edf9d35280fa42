"""`--engine`: what it says without Ray, without a cluster and in a plan; and a run with workers on a cluster."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from gen_core.engines.folder import EngineFolder
from gen_core.plugin.engine import EngineProcess
from tests.conftest import BARE
from tests.gen_core.engines.conftest import OURS, ROOT

CLAIMS = """
@claim(**TOY)
def test_small(run):
    expect(loss(run), "training loss").at_most(1)

@claim(**TOY)
def test_small_again(run):
    expect(loss(run), "training loss").at_most(2)
"""
FOUND = importlib.util.find_spec


def spec_without_ray(name, package=None):
    return importlib.machinery.ModuleSpec("ray", None) if name == "ray" else FOUND(name, package)


@pytest.mark.parametrize("found", [lambda name, package=None: None if name == "ray" else FOUND(name), spec_without_ray])
def test_without_ray_a_line_says_what_to_install(suite, monkeypatch, found):
    suite.claims(CLAIMS)
    monkeypatch.setattr(importlib.util, "find_spec", found)
    result = suite.run("--engine", "ray")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    line = "ERROR: --engine ray: Ray is not installed; expected it from pip install 'gen-core[ray]'"
    assert [text for text in result.errlines if text] == [line]


@pytest.mark.parametrize("text", ["dask", "ray:", "ray:somewhere", "ray:me:secret@there:6379", "ray:/home/me:1"])
def test_an_address_is_a_host_and_a_port_and_holds_no_secret(suite, text):
    result = suite.run("--engine", text)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*argument --engine: {text!r}; expected 'ray', 'ray:auto' or 'ray:HOST:PORT'"])


class Standing:
    """In place of an engine's process: one that says its resources, or why there are none."""

    def __init__(self, folder: EngineFolder, why: str) -> None:
        folder.create()
        self.folder, self.why = folder, why
        folder.say_state({"beat": 1, "name": "ray 2", "nodes": 3, "slots": 6})

    def wait(self) -> str:
        return self.why

    def end(self) -> None:
        for path in sorted(self.folder.root.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        self.folder.root.rmdir()


@pytest.fixture
def standing(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: FOUND("json"))

    def stand(why: str = "") -> None:
        monkeypatch.setattr(EngineProcess, "start", lambda folder, settings: Standing(folder, why))

    return stand


def test_a_cluster_that_cannot_be_reached_ends_the_run_in_one_line(suite, standing):
    suite.claims(CLAIMS)
    standing("the Ray cluster at h:1 cannot be reached (why)")
    result = suite.run("--engine", "ray:h:1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    line = "ERROR: --engine ray:h:1: the Ray cluster at h:1 cannot be reached (why)"
    assert [text for text in result.errlines if text] == [line]


def test_a_plan_says_what_it_takes_on_the_resources_of_the_engine(suite, standing):
    suite.claims(CLAIMS)
    standing()
    result = suite.run("--engine", "ray", "--plan")
    assert result.ret == 0
    line = "on ray 2, 3 nodes, 6 trainings at a time: about 0 s for 4 blocks of seeds in 1 units, the longest of 0 s"
    result.stdout.fnmatch_lines([line])


def test_workers_of_a_run_find_in_the_store_what_the_cluster_trains_once(suite, nodes):
    suite.claims(CLAIMS)
    options = (*BARE, "-n", "2", "--engine", f"ray:{nodes.address}", "--store", "s")
    result = suite.pytester.runpytest_subprocess(*options, timeout=120)
    result.assert_outcomes(passed=2, xfailed=2)
    lines = [line for path in suite.folder.glob("trainings/*") for line in path.read_text().splitlines()]
    events = [json.loads(line) for line in lines]
    assert sorted(Counter(event["key"] for event in events).values()) == [1] * 4
    assert all(event["node"] for event in events)
    result.stdout.fnmatch_lines(["--engine: ray *, 4 of 4 blocks on 3 nodes, 0 failed, 0 left"])
    assert suite.record.environment["engine"].endswith(", 3 nodes, 3 trainings at a time")
    assert not EngineFolder.of_run(suite.record.run).root.exists()
    written = "".join(path.read_text() for path in suite.folder.rglob("*") if path.is_file())
    for argument in suite.record.arguments:  # as who runs it has typed it
        written = written.replace(argument, "")
    assert OURS["RAY_AUTH_TOKEN"] not in written
    for path in (suite.pytester.path, Path.home(), Path(tempfile.gettempdir()), sys.prefix, ROOT):
        assert str(path) not in written, path
