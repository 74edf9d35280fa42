"""Real claims come to the same records and results, to the bit, however they are trained."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

from tests.gen_core.engines.conftest import ROOT
from tests.gen_core.engines.same import cases, differences, stored

FILES = ["claims/test_theory_iii_row_span.py", "claims/test_puzzles_homogeneity.py"]
RAY = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


def start(folder, *options):
    own = ("--scale", "quick", "--store", str(folder / "store"), "--report-dir", str(folder / "report"))
    own += ("-p", "no:cacheprovider", "-p", "no:randomly", "--history", str(folder / "history.sqlite"))
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *FILES, *own, *options],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def end(*processes):
    printed = [process.communicate(timeout=500)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), printed
    return printed


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    end(start(folder, "-n", "2"))
    return folder


def assert_same(ours, alone):
    found, expected = cases(ours / "report"), cases(alone / "report")
    assert len(expected) > 20
    assert list(differences(found, expected)) == []
    assert list(stored(ours / "store", alone / "store")) == []


def test_as_four_processes_train_it(alone, tmp_path):
    end(*[start(tmp_path, "--train-only") for _ in range(4)])
    (printed,) = end(start(tmp_path))
    assert "trained: nothing new" in printed
    assert_same(tmp_path, alone)


@RAY
def test_as_a_ray_cluster_trains_it(alone, tmp_path):
    (printed,) = end(start(tmp_path, "--engine", "ray", "-n", "2"))
    assert ", 0 failed, 0 left" in printed
    assert_same(tmp_path, alone)
