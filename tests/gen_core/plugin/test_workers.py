"""Where there are GPUs, claims get one worker for each and each worker one of them; other projects' are left alone."""

from __future__ import annotations

import pytest
import torch

PLAIN = """
import os

def test_first():
    assert os.environ["CUDA_VISIBLE_DEVICES"] {expected}

def test_second():
    assert os.environ["PYTEST_XDIST_WORKER_COUNT"] == "{workers}"
"""


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.usefixtures("two_gpus")
def test_each_worker_has_a_gpu_of_the_callers(suite):
    suite.pytester.makepyfile(test_plain="import gen_core\n" + PLAIN.format(expected='in ("5", "7")', workers=2))
    suite.run("-n", "auto").assert_outcomes(passed=2)


@pytest.mark.usefixtures("two_gpus")
def test_a_project_without_claims_keeps_its_gpus_and_its_workers(suite, monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "1")
    suite.pytester.makepyfile(test_plain=PLAIN.format(expected='== "5,7"', workers=1))
    suite.run("-n", "auto").assert_outcomes(passed=2)
