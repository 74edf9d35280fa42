"""A toy paper for clusters, the commands of their pages, and a Slurm of one node, where it is installed."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
KillWait=5
MinJobAge=600
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/cluster"
CLAIMS = '''"""The loss is small.

Measured: the training loss."""
from toy import *

SLOW = replace(TOY["given"], steps=STEPS)
RATES = {f"rate {i}": replace(SLOW, rule=GD(rate=0.1 + i / 1000)) for i in range(12)}

@claim(**TOY | {"given": RATES})
def test_small(run):
    expect(loss(run), "loss").at_most(2)
'''
BLOCKS = 26
"""Of the toy paper's first look: 12 settings and a control, two blocks of seeds each."""
NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scancel", "scontrol", "squeue")


def commands_of(page: str) -> list[str]:
    """The commands of a page on clusters, without what is said beside them."""
    lines = re.findall(r"^ {4}(\S.*)$", (PAGES / page).read_text(encoding="utf-8"), re.MULTILINE)
    return [re.split(r" {3,}", line)[0] for line in lines]


def make_papers(folder: Path, steps: int) -> Path:
    """A repository of a toy paper, as a user of a cluster has one, whose trainings take so many steps."""
    shutil.copy(ROOT / "tests/toy.py", folder / "toy.py")
    shutil.copytree(PAGES, folder / "docs/cluster")
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\naddopts = -p no:cacheprovider\n")
    (folder / "claims").mkdir()
    (folder / "claims/test_toy.py").write_text(CLAIMS.replace("STEPS", str(steps)))
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def environment_of(folder: Path) -> dict[str, str]:
    """The environment of who works in such a repository."""
    path = f"{folder / '.venv/bin'}:{os.environ['PATH']}"
    return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """The environment in which Slurm's commands find a cluster of this machine alone."""
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        pytest.skip(f"Slurm is not installed here: no {', '.join(missing)}")
    if os.getuid():
        pytest.skip("Slurm is started by root alone")
    folder = tmp_path_factory.mktemp("slurm")
    munge = _munged(folder)
    environment = os.environ | {"SLURM_CONF": str(_configured(folder))}
    try:
        for command in (["slurmctld"], ["slurmd", "-N", socket.gethostname().partition(".")[0]]):
            subprocess.run(command, env=environment, check=True, timeout=60)
        _until_idle(environment, folder)
        yield environment
    finally:
        for name in ("slurmd", "slurmctld"):
            if (file := folder / f"{name}.pid").exists():
                os.kill(int(file.read_text()), signal.SIGTERM)
        munge.terminate()
        munge.wait()


def _munged(folder: Path) -> subprocess.Popen:
    """munged with a key, socket and log of its own."""
    place = folder / "munge"
    place.mkdir()
    key = place / "key"
    key.write_bytes(os.urandom(128))
    owner = pwd.getpwnam("munge") if any(each.pw_name == "munge" for each in pwd.getpwall()) else pwd.getpwuid(0)
    for each in (place, key):
        os.chown(each, owner.pw_uid, owner.pw_gid)
    key.chmod(0o400)
    for each in (place, *place.parents):
        if each != Path(each.anchor):
            each.chmod(each.stat().st_mode | 0o055)
    files = [f"--{name}={place / name}" for name in ("socket", "pid-file", "log-file", "seed-file")]
    process = subprocess.Popen(
        ["munged", "--foreground", "--force", f"--key-file={key}", *files], user=owner.pw_uid, group=owner.pw_gid
    )
    while not (place / "socket").exists():
        assert process.poll() is None
        time.sleep(0.05)
    return process


def _configured(folder: Path) -> Path:
    (folder / "state").mkdir()
    (folder / "spool").mkdir()
    free = [socket.socket() for _ in range(2)]
    for each in free:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in free]
    for each in free:
        each.close()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**21
    host = socket.gethostname().partition(".")[0]
    file = folder / "slurm.conf"
    text = CONFIGURATION.format(folder=folder, host=host, ports=ports, cpus=os.cpu_count(), memory=memory)
    file.write_text(text, encoding="utf-8")
    return file


def _until_idle(environment: dict[str, str], folder: Path) -> None:
    end = time.monotonic() + 60
    while "State=IDLE" not in _told(["scontrol", "show", "node"], environment):
        assert time.monotonic() < end, (folder / "slurmctld.log").read_text()
        time.sleep(0.2)


def _told(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60).stdout
