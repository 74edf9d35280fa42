"""The ready files for clusters: what they must say, and that their commands are ones that pytest takes."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "docs/cluster"
JOB = yaml.safe_load((FOLDER / "train.yaml").read_text(encoding="utf-8"))
SCRIPT = (FOLDER / "train.sbatch").read_text(encoding="utf-8")


def options_of(words: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in words if word.startswith("--")}


def test_the_job_is_an_indexed_one_with_a_volume_for_its_store():
    spec = JOB["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert (JOB["apiVersion"], JOB["kind"], spec["completionMode"]) == ("batch/v1", "Job", "Indexed")
    assert spec["completions"] >= spec["parallelism"] > 1
    assert pod["restartPolicy"] == "Never"
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert {volume["name"] for volume in pod["volumes"]} == set(mounted)
    store = next(word.partition("=")[2] for word in container["command"] if word.startswith("--store="))
    assert any(store.startswith(f"{path}/") for path in mounted.values())
    assert container["resources"]["requests"] == container["resources"]["limits"]


def test_the_commands_are_ones_that_pytest_takes(pytestconfig: pytest.Config):
    group = next(g for g in pytestconfig._parser._groups if g.name == "gen-core")
    there = {name for option in group.options for name in option.names()}
    asked = shlex.split(SCRIPT.partition("exec ")[2].replace("${ARGS:-}", ""))
    (container,) = JOB["spec"]["template"]["spec"]["containers"]
    for words in (asked, container["command"]):
        assert "--train-only" in words
        assert options_of(words) <= there


def test_the_script_is_one_for_the_shell_and_has_the_options_of_an_array():
    subprocess.run(["bash", "-n", str(FOLDER / "train.sbatch")], check=True)
    asked = dict(re.findall(r"^#SBATCH --([a-z-]+)(?:=(.*))?$", SCRIPT, re.MULTILINE))
    assert re.fullmatch(r"\d+-\d+", asked["array"])
    assert asked["cpus-per-task"] == "1"
    assert "requeue" in asked


def test_without_a_store_the_script_says_what_is_missing():
    ended = subprocess.run(
        ["bash", str(FOLDER / "train.sbatch")], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert ended.returncode != 0
    assert "set STORE to a folder that all nodes see" in ended.stderr
