"""`-n auto` is one worker per processor, with GPUs as without, and each worker sees the GPUs that the caller sees."""

from __future__ import annotations

import pytest
import torch

PLAIN = """
import os

def test_first():
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "5,7"

def test_second():
    assert os.environ["PYTEST_XDIST_WORKER_COUNT"] == "3"
"""


@pytest.mark.parametrize("first", ["import gen_core\n", ""])
def test_gpus_change_neither_the_workers_nor_what_they_see(suite, monkeypatch, first):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "3")  # in place of the processors
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    suite.pytester.makepyfile(test_plain=first + PLAIN)
    suite.run("-n", "auto").assert_outcomes(passed=2)


def test_the_number_of_workers_is_that_of_xdist_itself(suite, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    hook = suite.pytester.parseconfig("-n", "auto").pluginmanager.hook.pytest_xdist_auto_num_workers
    assert [found.plugin_name for found in hook.get_hookimpls()] == ["xdist"]
