"""An array of `--train-only` tasks under Slurm: one is cancelled, one requeued, and everything is trained once."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs/cluster/train.sbatch"
CLAIMS = '''"""The loss is small.

Measured: the training loss."""
from toy import *

SLOW = replace(TOY["given"], steps=30_000)
RATES = {f"rate {i}": replace(SLOW, rule=GD(rate=0.1 + i / 1000)) for i in range(12)}

@claim(**TOY | {"given": RATES})
def test_small(run):
    expect(loss(run), "loss").at_most(2)
'''


@pytest.fixture
def papers(tmp_path):
    """A repository of a toy paper, as a user of a cluster has one."""
    shutil.copy(ROOT / "tests/toy.py", tmp_path / "toy.py")
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims/test_toy.py").write_text(CLAIMS)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    return tmp_path


def ask(slurm, *command, cwd=None):
    return subprocess.run(command, env=slurm, cwd=cwd, check=True, capture_output=True, text=True, timeout=60).stdout


def states(slurm, job):
    told = ask(slurm, "scontrol", "show", "job", job)
    return re.findall(r"JobState=(\w+)", told)


def test_tasks_of_an_array_train_everything_once_though_one_is_cancelled_and_one_requeued(slurm, papers):
    python = Path(sys.executable).parent
    environment = slurm | {
        "STORE": str(papers / "store"),
        "SCALE": "quick",
        "ARGS": "-p no:cacheprovider --locks lease",
        "PATH": f"{python}:{slurm['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    options = ["--parsable", "--array=0-3", "--mem=1G"]
    job = ask(environment, "sbatch", *options, str(SCRIPT), cwd=papers).strip()
    notes = papers / "store"
    end = time.monotonic() + 300
    while not list(notes.glob("??/*.json")):
        assert time.monotonic() < end, [log.read_text() for log in papers.glob("*.log")]
        time.sleep(0.1)
    ask(slurm, "scancel", "--signal=KILL", "--full", f"{job}_0")
    ask(slurm, "scontrol", "requeue", f"{job}_1")
    while set(states(slurm, job)) - {"COMPLETED", "FAILED", "CANCELLED"}:
        assert time.monotonic() < end, states(slurm, job)
        time.sleep(0.5)

    logs = {log.name: log.read_text() for log in papers.glob("gen-core-*.log")}
    trained = sum(int(n) for log in logs.values() for n in re.findall(r"^trained (\d+) blocks", log, re.MULTILINE))
    entries = list(notes.glob("??/*.json"))
    assert len(entries) == 26  # 12 settings and a control, two blocks each
    assert trained <= 26
    assert all("nothing is missing" in logs[f"gen-core-{job}_{i}.log".replace("_", "-")] for i in (1, 2, 3)), logs

    judged = subprocess.run(
        [sys.executable, "-m", "pytest", "claims", "--scale", "quick", "--store", "store", "-p", "no:cacheprovider"],
        cwd=papers,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert judged.returncode == 0, judged.stdout
    assert "trained: nothing new" in judged.stdout, judged.stdout
