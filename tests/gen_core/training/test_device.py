import os
import platform
import subprocess
import sys
from types import SimpleNamespace

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


@pytest.fixture
def precision():
    """Put back what a process is set to at its beginning."""
    yield
    torch.set_float32_matmul_precision("highest")
    device.fix_numerics()


@pytest.mark.usefixtures("precision")
def test_one_thread_and_full_precision_whichever_way_it_was_lowered():
    torch.set_num_threads(2)
    torch.set_float32_matmul_precision("medium")
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.fp32_precision = "tf32"
    torch.backends.mkldnn.matmul.fp32_precision = "bf16"
    device.fix_numerics()
    assert torch.get_num_threads() == 1
    backends = torch.backends
    for one in (backends, backends.cuda.matmul, backends.cudnn, backends.mkldnn):
        assert one.fp32_precision == "ieee"
    for one in (backends.cudnn, backends.mkldnn):
        assert one.conv.fp32_precision == one.rnn.fp32_precision == "ieee"
    assert backends.mkldnn.matmul.fp32_precision == "ieee"
    # those that cuBLAS and cuDNN are asked by, which raise where old and new settings disagree
    assert not backends.cuda.matmul.allow_tf32
    assert not backends.cudnn.allow_tf32
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.usefixtures("precision")
@pytest.mark.parametrize(
    ("there", "given", "then"), [(True, "", ":4096:8"), (True, ":16:8", ":16:8"), (False, "", None)]
)
def test_cublas_sums_in_one_order_where_there_is_a_gpu(monkeypatch, there, given, then):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", given)
    if not given:
        monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    device.fix_numerics()
    assert os.environ.get("CUBLAS_WORKSPACE_CONFIG") == then
    assert torch.backends.cudnn.deterministic == there


def test_environment_and_budget(tmp_path):
    cpu = torch.device("cpu")
    told = device.environment(cpu, tmp_path)
    assert {"python", "torch", "gen-core", "device", "threads", "platform", "processors"} == set(told)
    assert all(isinstance(value, str) for value in told.values())
    assert device.memory_budget(cpu) == device.CPU_BUDGET


def test_the_version_is_told_where_one_is_installed(tmp_path, monkeypatch):
    (tmp_path / "gen_core-7.8.dist-info").mkdir()
    (tmp_path / "gen_core-7.8.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: gen-core\nVersion: 7.8\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert device.environment(torch.device("cpu"), tmp_path)["gen-core"] == "7.8"
    monkeypatch.setattr(sys, "path", [])
    assert "gen-core" not in device.environment(torch.device("cpu"), tmp_path)


@pytest.mark.parametrize(
    ("told", "driver"),
    [
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19\nGCC version:  gcc 12.3.0\n",
            "535.104.05",
        ),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.15  Release Build\n", "550.54.15"),
        ("", None),
    ],
)
def test_the_environment_of_a_gpu_names_its_cards_and_versions(tmp_path, monkeypatch, told, driver):
    (tmp_path / "version").write_text(told)
    monkeypatch.setattr(device, "DRIVER", tmp_path / "version")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda i: ["one", "two", "one"][i])
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91100)
    found = device.environment(torch.device("cuda"), tmp_path)
    assert (found["gpu"], found["cudnn"], found.get("driver")) == ("one, two", "91100", driver)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda card: SimpleNamespace(total_memory=800))
    assert device.memory_budget(torch.device("cuda", 1)) == 200


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


LATER = """
import sys
import torch
from threadpoolctl import threadpool_info, threadpool_limits
from gen_core.training.device import fix_numerics

def threads():
    return {pool["num_threads"] for pool in threadpool_info()}

fix_numerics()
assert "scipy" not in sys.modules
before = len(threadpool_info())
threadpool_limits(2)
assert threads() == {2}, threads()
fix_numerics()
assert threads() == {1}, threads()
import scipy.linalg
threadpool_limits(2)
assert len(threadpool_info()) > before
fix_numerics()
assert threads() == {1}, threads()
"""


def test_libraries_that_are_loaded_later_get_one_thread_too():
    subprocess.run([sys.executable, "-c", LATER], check=True, timeout=300)
