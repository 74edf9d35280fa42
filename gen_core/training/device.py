"""The device of trainings, its memory budget, and settings of the process that affect numerics."""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import ThreadpoolController

from gen_core.code.listening import loads
from gen_core.errors import InvalidExperiment

CPU_BUDGET = 2**30
"""Memory of one batch of trainings on the CPU, in bytes; seeds that do not fit are trained in further batches."""

DRIVER = Path("/proc/driver/nvidia/version")
"""Where the driver's version stands, on Linux."""

SLOTS = 2
"""Trainings that share a GPU at a time, so that one computes while another draws, reads or writes."""


@functools.cache
def resolve(name: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`; `auto` takes a GPU if there is one.

    Raises:
        InvalidExperiment: for another name, or for `cuda` without a visible CUDA device.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise InvalidExperiment(f"device {name!r}; expected 'auto', 'cpu' or 'cuda'")
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise InvalidExperiment("device 'cuda'; expected a visible CUDA device, and there is none (use --device cpu)")
    return torch.device("cuda")


def fix_numerics() -> None:
    """Make results repeatable at any load: one intra-op thread, products in full precision, sums in one order.

    Call it before CUDA starts: cuBLAS reads its setting then. `torch.use_deterministic_algorithms` is left alone: it
    would have scatters and the gradients of gathers sort, and refuse what has no other kernel.
    """
    torch.set_num_threads(1)
    _thread_pools(loads()).limit(limits=1)
    # These, which older code may have set, must agree with the newer ones below: torch refuses to multiply otherwise.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    backends: Any = torch.backends
    cudnn, onednn = backends.cudnn, backends.mkldnn
    for each in (backends, cudnn, cudnn.conv, cudnn.rnn, onednn, onednn.conv, onednn.matmul, onednn.rnn):
        each.fp32_precision = "ieee"
    if there := torch.cuda.is_available():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # Where there is no GPU it would slow convolutions on the CPU down, by a sixth.
    cudnn.deterministic = there


@functools.lru_cache(1)
def _thread_pools(loaded: int) -> ThreadpoolController:
    """The pools of all libraries that are loaded, which are looked for once while no more are: it takes 3 ms."""
    return ThreadpoolController()


def numbers_of_torch() -> str:
    """The default type of torch's numbers, and what products are computed in where autocast is on."""
    cast = {kind: torch.get_autocast_dtype(kind) for kind in ("cpu", "cuda") if torch.is_autocast_enabled(kind)}
    return " ".join(map(str, (torch.get_default_dtype(), *cast.items())))


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt(3)."""


@functools.cache
def keep_freed_memory() -> None:
    """Make glibc keep freed blocks of up to 1 GiB for reuse.

    By default it returns blocks of 32 MiB and more to the kernel, which then clears their pages again in every step: 4
    of 15 CPU seconds of a forward pass over 33 MB.
    """
    if platform.libc_ver()[0] == "glibc":
        for parameter in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            ctypes.CDLL(None).mallopt(parameter, 2**30)


def memory_budget(device: torch.device) -> int:
    """Memory of one batch of trainings, in bytes; by the device's size, not its load, so that batches are repeated."""
    if device.type == "cpu":
        return CPU_BUDGET
    return torch.cuda.get_device_properties(device).total_memory // (2 * SLOTS)


def environment(device: torch.device, tree: Path) -> dict[str, str]:
    """The versions and settings that a result may depend on, by name; `tree` is the folder of the claims."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        **_own_version(),
        **revision(tree),
        "device": device.type,
        "threads": str(torch.get_num_threads()),
        "platform": platform.platform(),
        "processors": str(os.cpu_count()),
        **(_of_cuda() if device.type == "cuda" else {}),
    }


def _own_version() -> dict[str, str]:
    """The version of gen-core that is installed; empty if it runs from its source alone."""
    try:
        return {"gen-core": importlib.metadata.version("gen-core")}
    except importlib.metadata.PackageNotFoundError:
        return {}


def _of_cuda() -> dict[str, str]:
    """Versions, and the names of the visible cards, each once. None of it is asked of a card's own context."""
    names = dict.fromkeys(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
    about = {"cuda": str(torch.version.cuda), "cudnn": str(torch.backends.cudnn.version()), "gpu": ", ".join(names)}
    found = re.search(r"\s(\d+(\.\d+)+)\s", DRIVER.read_text(encoding="utf-8")) if DRIVER.is_file() else None
    return about | ({"driver": found[1]} if found else {})


def revision(tree: Path) -> dict[str, str]:
    """The git commit of a folder, with "-dirty" appended if tracked files differ; empty if there is none."""
    command = ["git", "-C", str(tree), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        # Without the lock on git's index, since several workers ask at once.
        git = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"revision": git.stdout.strip()}
