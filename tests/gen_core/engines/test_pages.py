"""The commands of the page on Ray, and the entry point of its RayJob, as they stand but for address and folder."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from tests.cluster.conftest import BLOCKS, PAGES, commands_of, environment_of, make_papers

RUNS = [line for line in commands_of("ray.md") if line.startswith("pytest")]
ENTRY = yaml.safe_load((PAGES / "rayjob.yaml").read_text(encoding="utf-8"))["spec"]["entrypoint"]


def test_what_is_not_run_is_said():
    assert {line.split()[0] for line in commands_of("ray.md")} == {"pip", "pytest", "kubectl"}
    assert "run all of these but `pip` and `kubectl`" in " ".join((PAGES / "ray.md").read_text().split())


@pytest.mark.parametrize("command", [*RUNS, ENTRY])
def test_a_command_has_the_cluster_train_everything(nodes, tmp_path, command):
    papers = make_papers(tmp_path, steps=20)
    own = command.replace("HOST:PORT", nodes.address).replace("/shared", str(papers / "shared"))
    ended = subprocess.run(
        ["bash", "-c", own],
        cwd=papers,
        env=environment_of(papers) | {"RAY_ADDRESS": nodes.address},
        capture_output=True,
        text=True,
        timeout=200,
    )
    printed = ended.stdout + ended.stderr
    assert ended.returncode == 0, printed
    if "--plan" in command:
        assert re.search(rf"^on ray \S+, 3 nodes, 3 trainings at a time: .* for {BLOCKS} blocks", printed, re.MULTILINE)
    else:
        count = "1 node" if command.endswith("--engine ray") else "3 nodes"
        assert re.search(
            rf"^--engine: ray \S+, {BLOCKS} of {BLOCKS} blocks on {count}, 0 failed, 0 left", printed, re.MULTILINE
        )
