"""A run with a cluster of its own is killed: nothing of it stays, and the next one goes on where it was."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gen_core.lab import Store
from tests.cluster.conftest import BLOCKS, environment_of, make_papers
from tests.gen_core.engines.conftest import alive, children

LISTENING = "0A"
LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")
"""127.0.0.1, ::1 and ::ffff:127.0.0.1, as Linux writes them."""


def listening(pids):
    """The addresses on which some processes listen, as HEX:PORT."""
    held = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for fd in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    held.add(os.readlink(fd))
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[3] == LISTENING and f"socket:[{row[9]}]" in held]


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
def test_nothing_of_a_killed_run_stays_and_the_next_one_goes_on(tmp_path):
    papers = make_papers(tmp_path, steps=30_000)
    (temporary := papers / "t").mkdir()
    environment = environment_of(papers) | {
        "TMPDIR": str(temporary),
        "RAY_TMPDIR": "/tmp",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    command = [sys.executable, "-m", "pytest", "claims", "--store", "store"]
    run = subprocess.Popen([*command, "--engine", "ray"], cwd=papers, env=environment, stdout=subprocess.DEVNULL)
    store, end = Store(papers / "store"), time.monotonic() + 120
    while not any(store.entries()):
        assert run.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    below = children(run.pid)
    (owned,) = temporary.glob("gen-core-engine-*/owned")
    paths = owned.read_text().splitlines()
    assert len(below) > 3
    addresses = listening(below)
    assert len(addresses) > 3
    assert [each for each in addresses if each.partition(":")[0] not in LOOPBACK] == []
    assert len(paths) == 2
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    while (left := [pid for pid in below if alive(pid)]) or owned.parent.exists():
        assert time.monotonic() < end, left
        time.sleep(0.1)
    assert [path for path in paths if os.path.exists(path)] == []
    assert list(store.root.glob("engine-*")) == []
    kept = len(list(store.entries()))
    assert 0 < kept < BLOCKS

    again = subprocess.run(command, cwd=papers, env=environment, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0, again.stdout
    assert "damaged" not in again.stdout
    trained = re.search(r"^trained: (\d+) blocks of seeds", again.stdout, re.MULTILINE)
    assert trained is not None, again.stdout
    assert int(trained[1]) == BLOCKS - kept
