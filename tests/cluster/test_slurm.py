"""The page on Slurm, as it stands: tasks are cancelled and requeued, and everything is trained once and judged."""

from __future__ import annotations

import re
import subprocess
import time

from tests.cluster.conftest import BLOCKS, commands_of, environment_of, make_papers


def ask(environment, *command):
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout


def states(environment, job):
    return set(re.findall(r"JobState=(\w+)", ask(environment, "scontrol", "show", "job", job)))


def test_tasks_of_an_array_train_everything_once_though_one_is_cancelled_and_one_requeued(slurm, tmp_path):
    papers = make_papers(tmp_path, steps=30_000)
    environment = slurm | environment_of(papers) | {"ARGS": "--locks lease", "SBATCH_MEM_PER_NODE": "1G"}
    store = papers / "store"
    script = "\n".join(["set -e", *commands_of("slurm.md"), "echo $train"])
    script = script.replace("/shared/store", str(store)).replace("--parsable", "--parsable --array=0-3")
    told = subprocess.run(["bash", "-c", script], env=environment, cwd=papers, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    judging, job = re.findall(r"\d+", told.stdout)
    end = time.monotonic() + 400
    while not list(store.glob("??/*.json")):
        assert time.monotonic() < end, [log.read_text() for log in papers.glob("*.log")]
        time.sleep(0.1)
    ask(environment, "scancel", "--signal=KILL", "--full", f"{job}_0")
    ask(environment, "scontrol", "requeue", f"{job}_1")
    while states(environment, judging) - {"COMPLETED", "FAILED", "CANCELLED"}:
        assert time.monotonic() < end, states(environment, job) | states(environment, judging)
        time.sleep(0.5)

    logs = {log.name: log.read_text() for log in papers.glob("gen-core-*.log")}
    trained = sum(int(n) for log in logs.values() for n in re.findall(r"^trained (\d+) blocks", log, re.MULTILINE))
    assert len(list(store.glob("??/*.json"))) == BLOCKS
    assert trained <= BLOCKS
    assert all("nothing is missing" in logs[f"gen-core-{job}-{i}.log"] for i in (1, 2, 3)), logs
    judged = (papers / f"slurm-{judging}.out").read_text()
    assert states(environment, judging) == {"COMPLETED"}, judged
    assert "trained: nothing new" in judged, judged
