import platform
import subprocess
import sys

import pytest
import torch

from gen_core.errors import InvalidExperiment
from gen_core.training import device


@pytest.fixture
def without_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    device.resolve.cache_clear()
    yield
    device.resolve.cache_clear()


@pytest.mark.usefixtures("without_gpu")
def test_auto_without_a_gpu_is_the_cpu():
    assert device.resolve("auto") == device.resolve("cpu") == torch.device("cpu")


@pytest.mark.usefixtures("without_gpu")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cuda", "device 'cuda'; expected a visible CUDA device, and there is none (use --device cpu)"),
        ("tpu", "device 'tpu'; expected 'auto', 'cpu' or 'cuda'"),
    ],
)
def test_a_device_that_is_not_there(name, message):
    with pytest.raises(InvalidExperiment) as caught:
        device.resolve(name)
    assert str(caught.value) == message


def test_auto_takes_the_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    device.resolve.cache_clear()
    assert device.resolve("auto") == device.resolve("cuda") == torch.device("cuda")
    device.resolve.cache_clear()


def test_one_thread_and_no_tf32():
    torch.set_num_threads(2)
    device.fix_numerics()
    assert torch.get_num_threads() == 1
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32


def test_environment_and_budget(tmp_path):
    cpu = torch.device("cpu")
    told = device.environment(cpu, tmp_path)
    assert {"python", "torch", "device", "threads", "platform", "processors"} == set(told)
    assert all(isinstance(value, str) for value in told.values())
    assert device.memory_budget(cpu) == device.CPU_BUDGET


def test_the_revision_is_the_commit_and_whether_tracked_files_differ(tmp_path, monkeypatch):
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", str(tmp_path), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    assert device.revision(tmp_path) == {}
    git("init")
    assert device.revision(tmp_path) == {}
    (tmp_path / "test_a.py").write_text("1")
    git("add", ".")
    git("commit", "-m", "one")
    git("tag", "-m", "v1", "v1")
    commit = git("rev-parse", "--short=12", "HEAD")
    assert device.revision(tmp_path) == {"revision": commit}
    assert device.environment(torch.device("cpu"), tmp_path)["revision"] == commit
    (tmp_path / "test_a.py").write_text("2")
    assert device.revision(tmp_path) == {"revision": f"{commit}-dirty"}
    monkeypatch.setenv("PATH", "")
    assert device.revision(tmp_path) == {}


FAULTS = """
import resource, torch
from gen_core.training import device
{setting}
for _ in range(20):  # small blocks between may keep the first few apart
    torch.ones(2**24)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(2**24)  # 64 MiB
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="memory is another library's than glibc")
def test_freed_memory_is_used_again_and_not_asked_of_the_kernel_anew():
    def faults(setting: str) -> int:
        command = [sys.executable, "-c", FAULTS.format(setting=setting)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert faults("device.keep_freed_memory()") < faults("") / 4
