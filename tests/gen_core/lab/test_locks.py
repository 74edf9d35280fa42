"""Leases: held while they are renewed, free after a kill, taken over from a frozen holder."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gen_core.lab import Store, locks
from gen_core.lab.locks import file_system

ROOT = Path(__file__).parents[3]
MOUNTED = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw
30 21 0:40 / /home rw - nfs4 server:/home rw
31 30 0:41 / /home/a\\040b rw,noatime master:2 - lustre a@tcp:/scratch rw
"""

HELD = """
import sys, time
from pathlib import Path
from gen_core.lab import Store, locks
locks.LEASE = {lease}
with Store(Path(sys.argv[1]), "lease").locked(["k"], wait=True):
    print("held", flush=True)
    time.sleep(100)
"""


@pytest.fixture
def mounted(tmp_path, monkeypatch):
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTED)
    monkeypatch.setattr(locks, "MOUNTS", table)
    return table


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lease of a key, and its store."""

    def start(lease):
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", HELD.format(lease=lease), str(tmp_path / "store")]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        begun.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process, Store(tmp_path / "store")

    begun: list[subprocess.Popen] = []
    yield start
    for process in begun:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/", "ext4"), ("/tmp/x", "ext4"), ("/home/c", "nfs4"), ("/home/a b/store", "lustre"), ("/homework", "ext4")],
)
def test_the_file_system_of_a_path_is_that_of_the_mount_that_it_lies_in(mounted, path, kind):
    assert file_system(Path(path)) == kind
    mounted.unlink()
    assert file_system(Path(path)) == ""


@pytest.mark.parametrize(("kind", "shared", "leased"), [("auto", False, False), ("auto", True, True)])
@pytest.mark.parametrize("asked", ["system", "lease"])
def test_leases_are_used_where_machines_share_the_store_where_asked_and_ever_after(
    tmp_path, monkeypatch, kind, shared, leased, asked
):
    monkeypatch.setattr(locks, "file_system", lambda path: "nfs4" if shared else "ext4")
    mark = tmp_path / "locks" / "leases"
    with Store(tmp_path, kind).locked(["k"], wait=True):
        assert mark.exists() == leased
    with Store(tmp_path, asked).locked(["k"], wait=True):
        assert mark.exists() == (leased or asked == "lease")
        with Store(tmp_path).locked(["k"], wait=False) as twice:
            assert not twice
    Store(tmp_path).remove(["k"])
    assert not [*(tmp_path / "locks").glob("k.*")]


def test_a_lease_is_held_for_as_long_as_its_holder_lives_and_is_free_at_once_after_a_kill(holder, monkeypatch):
    process, store = holder(0.6)
    monkeypatch.setattr(locks, "LEASE", 0.6)
    began = time.monotonic()
    while time.monotonic() < began + 2:
        with store.locked(["k"], wait=False) as held:
            assert not held
    process.kill()
    process.wait()
    with store.locked(["k"], wait=True) as held:
        assert held


def test_the_lease_of_a_frozen_holder_is_taken_over_and_its_return_does_no_harm(holder, monkeypatch):
    process, store = holder(1.0)
    monkeypatch.setattr(locks, "LEASE", 1.0)
    process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    with store.locked(["k"], wait=True) as held:
        assert held
        assert time.monotonic() > began + 0.9
        process.send_signal(signal.SIGCONT)
        time.sleep(1.5)
        with Store(store.root).locked(["k"], wait=False) as twice:
            assert not twice
