"""The ready files for clusters: what they must say, and that their commands are ones that pytest takes."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

FOLDER = Path(__file__).parents[2] / "docs/cluster"
JOB = yaml.safe_load((FOLDER / "train.yaml").read_text(encoding="utf-8"))
RAY_JOB = yaml.safe_load((FOLDER / "rayjob.yaml").read_text(encoding="utf-8"))
RAY_CLUSTER = RAY_JOB["spec"]["rayClusterSpec"]
SCRIPT = (FOLDER / "train.sbatch").read_text(encoding="utf-8")


def options_of(words: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in words if word.startswith("--")}


def is_mounted(path: str, pod: dict) -> bool:
    """Whether a path lies in a volume of a pod of one container, and all of its volumes are mounted."""
    (container,) = pod["containers"]
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert {volume["name"] for volume in pod["volumes"]} == set(mounted)
    return any(path.startswith(f"{each}/") for each in mounted.values())


def test_the_job_is_an_indexed_one_with_a_volume_for_its_store():
    spec = JOB["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert (JOB["apiVersion"], JOB["kind"], spec["completionMode"]) == ("batch/v1", "Job", "Indexed")
    assert spec["completions"] >= spec["parallelism"] > 1
    assert pod["restartPolicy"] == "Never"
    assert is_mounted(next(word.partition("=")[2] for word in container["command"] if word.startswith("--store=")), pod)
    assert container["resources"]["requests"] == container["resources"]["limits"]


def test_the_ray_job_is_a_cluster_of_one_image_and_one_volume_without_secrets():
    spec = RAY_JOB["spec"]
    assert (RAY_JOB["apiVersion"], RAY_JOB["kind"], spec["submissionMode"]) == ("ray.io/v1", "RayJob", "K8sJobMode")
    assert spec["shutdownAfterJobFinishes"] is True
    assert RAY_CLUSTER["authOptions"] == {"mode": "token"}  # KubeRay makes it
    assert set(re.findall(r"(?i)secret|password|auth_?token", str(RAY_JOB))) == set()
    (workers,) = RAY_CLUSTER["workerGroupSpecs"]
    assert workers["minReplicas"] <= workers["replicas"] <= workers["maxReplicas"]
    pods = [group["template"]["spec"] for group in (RAY_CLUSTER["headGroupSpec"], workers)]
    containers = [container for pod in pods for container in pod["containers"]]
    for name in ("image", "env", "volumeMounts"):
        assert containers[0][name] == containers[1][name], name
    assert pods[0]["volumes"] == pods[1]["volumes"]
    assert all(each["resources"]["requests"] == each["resources"]["limits"] for each in containers)
    paths = re.findall(r"--(?:store|report-dir|history)=(\S+)", spec["entrypoint"])
    assert len(paths) == 3
    assert all(is_mounted(path, pod) for path in paths for pod in pods)
    assert RAY_CLUSTER["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0"}


def test_the_ray_job_has_a_version_of_ray_that_the_engine_takes():
    project = tomllib.loads((FOLDER.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (needed,) = [Requirement(line) for line in project["optional-dependencies"]["ray"]]
    assert RAY_CLUSTER["rayVersion"] in needed.specifier


def test_the_commands_are_ones_that_pytest_takes(pytestconfig: pytest.Config):
    group = next(g for g in pytestconfig._parser._groups if g.name == "gen-core")
    there = {name for option in group.options for name in option.names()}
    asked = shlex.split(SCRIPT.partition("exec ")[2].replace("${ARGS:-}", ""))
    (container,) = JOB["spec"]["template"]["spec"]["containers"]
    for words in (asked, container["command"]):
        assert "--train-only" in words
        assert options_of(words) <= there
    judging = shlex.split(RAY_JOB["spec"]["entrypoint"])
    assert "--engine=ray:auto" in judging
    assert options_of(judging) <= there


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
