"""The commands of the pages on clusters that need no cluster, as they stand but for the folder that machines share."""

from __future__ import annotations

import os
import subprocess

import pytest
import yaml

from tests.cluster.conftest import BLOCKS, PAGES, commands_of, environment_of, make_papers


@pytest.fixture
def papers(tmp_path):
    return make_papers(tmp_path, steps=20)


def start(papers, command, **more):
    own = command.replace("/shared", str(papers / "shared")) if isinstance(command, str) else command
    return subprocess.Popen(
        own,
        shell=isinstance(own, str),
        cwd=papers,
        env=environment_of(papers) | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def end(*processes):
    return [(process.communicate(timeout=200)[0], process.returncode) for process in processes]


def entries(papers):
    return len([*(papers / "shared/store").glob("??/*.json")])


def test_machines_that_share_a_folder_train_and_one_of_them_judges(papers):
    train, judge, several = commands_of("README.md")
    (one, status), (more, all_of_them) = end(start(papers, train), start(papers, several))
    assert (status, all_of_them) == (0, 0), (one, more)
    processes = 1 + os.sysconf("SC_NPROCESSORS_ONLN")
    assert (one + more).count("nothing is missing of the first looks") == processes
    assert entries(papers) == BLOCKS
    ((printed, status),) = end(start(papers, judge))
    assert status == 0, printed
    assert "trained: nothing new" in printed


def test_pods_of_the_job_train_and_one_more_judges(papers):
    job = yaml.safe_load((PAGES / "train.yaml").read_text(encoding="utf-8"))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    command = [word.replace("/shared", str(papers / "shared")) for word in container["command"]]
    pods = [start(papers, command, JOB_COMPLETION_INDEX=str(index)) for index in range(2)]
    for printed, status in end(*pods):
        assert status == 0, printed
    assert entries(papers) == BLOCKS
    judge = next(line for line in commands_of("kubernetes.md") if "kubectl" not in line)
    ((printed, status),) = end(start(papers, judge))
    assert status == 0, printed
    assert "trained: nothing new" in printed
    assert (papers / "shared/report/records").is_dir()
