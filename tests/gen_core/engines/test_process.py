"""The engine's process at its start and its end, with something in place of Ray that starts a process and waits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from gen_core.engines.address import host_and_port
from gen_core.engines.folder import EngineFolder
from gen_core.plugin import engine as plugin
from gen_core.plugin.engine import EngineProcess
from tests.gen_core.engines.conftest import ROOT, alive

RAY = """
import os, subprocess, time

def init(*_, **options):
    if "WAITS" in os.environ:
        child = subprocess.Popen(["sleep", "600"])
        with open(os.environ["WAITS"] + ".part", "w") as out:
            out.write(str(child.pid))
        os.rename(os.environ["WAITS"] + ".part", os.environ["WAITS"])
        time.sleep(600)
"""
HOLDER = """
import json, sys, time
from pathlib import Path
from gen_core.engines.folder import EngineFolder
from gen_core.plugin.engine import EngineProcess

print(EngineProcess.start(EngineFolder(Path(sys.argv[1])), json.loads(sys.argv[2])).process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def settings(tmp_path, monkeypatch):
    (tmp_path / "path/ray").mkdir(parents=True)
    (tmp_path / "path/ray/__init__.py").write_text(RAY)
    (tmp_path / "path/ray/exceptions.py").write_text(
        "class RayError(Exception): ...\nclass RayTaskError(RayError): ..."
    )
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'path'}:{ROOT}")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / "temporary"))
    return {"address": "", "device": "cpu", "store": str(tmp_path / "store"), "records": str(tmp_path / "records")}


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def why_none(folder, settings):
    process = EngineProcess.start(EngineFolder(folder), settings)
    try:
        return process.wait()
    finally:
        process.end()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("node-1.there:6379", ("node-1.there", 6379)),
        ("[::1]:6379", ("::1", 6379)),
        ("127.0.0.1:65536", None),
        ("127.0.0.1:0", None),
        ("::1:6379", None),
        ("ray://there:10001", None),
        ("there:port", None),
        ("me:secret@there:1", None),
        ("auto", None),
        ("", None),
    ],
)
def test_an_address_is_a_host_and_a_port(address, expected):
    assert host_and_port(address) == expected


@pytest.mark.parametrize("address", ["ray://there:10001", "there:port", "auto"])
def test_an_address_in_the_environment_that_is_none_is_said_in_one_line(tmp_path, settings, monkeypatch, address):
    monkeypatch.setenv("RAY_ADDRESS", address)
    line = "the Ray cluster that runs here cannot be reached (RAY_ADDRESS is {}; expected HOST:PORT of its head)"
    assert why_none(tmp_path / "engine", settings | {"address": "auto"}) == line.format(address)


def test_nobody_at_an_address_is_said_in_one_line(tmp_path, settings):
    said = why_none(tmp_path / "engine", settings | {"address": "[::1]:1"})
    assert said.startswith("the Ray cluster at [::1]:1 cannot be reached (")
    assert said.count("\n") == 0


def test_a_store_that_cannot_be_written_is_said_in_one_line(tmp_path, settings):
    (tmp_path / "file").write_text("")
    store = tmp_path / "file/store"
    line = f"--store {store} cannot be written (Not a directory); expected a writable folder with room"
    assert why_none(tmp_path / "engine", settings | {"store": str(store)}) == line
    assert list((tmp_path / "temporary").iterdir()) == []


def test_an_engine_goes_with_what_it_has_started_when_who_started_it_is_killed(tmp_path, settings, monkeypatch):
    monkeypatch.setenv("WAITS", str(tmp_path / "child"))
    own = json.dumps(settings | {"patience": "1"})
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "engine"), own]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        engine = int(holder.stdout.readline())
        until((tmp_path / "child").exists)
        child = int((tmp_path / "child").read_text())
        assert alive(engine)
        assert alive(child)
        assert len(list((tmp_path / "temporary").iterdir())) == 1
    finally:
        holder.kill()
        holder.communicate()
    until(lambda: not alive(engine) and not alive(child))
    assert not (tmp_path / "engine").exists()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_frozen_engine_is_ended_with_what_it_has_started(tmp_path, settings, monkeypatch):
    monkeypatch.setenv("WAITS", str(tmp_path / "child"))
    monkeypatch.setattr(plugin, "LEAVE", 0.2)
    process = EngineProcess.start(EngineFolder(tmp_path / "engine"), settings)
    until((tmp_path / "child").exists)
    child = int((tmp_path / "child").read_text())
    os.kill(process.process.pid, signal.SIGSTOP)
    process.end()
    until(lambda: not alive(child))
    assert not (tmp_path / "engine").exists()
    assert list((tmp_path / "temporary").iterdir()) == []
