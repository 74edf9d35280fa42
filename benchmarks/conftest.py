"""One core for all that is timed, the GEMM peak of this run, and a table of ratios at the end."""

import os
import time
from dataclasses import dataclass, field
from statistics import median

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from gen_core.training.device import fix_numerics, keep_freed_memory

# Read when JAX is imported: its own threads would be more than the one that all others have.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
SIDE = 1024


@dataclass
class Tally:
    """What was measured, by group and contender: a rate, and a share of the GEMM peak where it says something."""

    rates: dict[str, dict[str, tuple[float, float | None]]] = field(default_factory=dict)

    def add(self, group: str, contender: str, rate: float, share: float | None = None) -> None:
        self.rates.setdefault(group, {})[contender] = (rate, share)

    def time(self, benchmark: BenchmarkFixture, contender: str) -> None:
        """Add what a benchmark took, as a rate."""
        if benchmark.stats:
            self.add(benchmark.group, contender, 1 / benchmark.stats.stats.median)


TALLY = pytest.StashKey[Tally]()


@pytest.fixture(scope="session", autouse=True)
def one_core() -> None:
    fix_numerics()
    keep_freed_memory()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


@pytest.fixture(scope="session")
def gemm_peak(one_core: None) -> float:
    """Floating-point operations a second of a large product of torch in float32, the median of nine."""
    A, B = (torch.randn(SIDE, SIDE) for _ in range(2))
    out, times = torch.empty_like(A), []
    for _ in range(10):
        began = time.perf_counter()
        torch.mm(A, B, out=out)
        times.append(time.perf_counter() - began)
    return 2 * SIDE**3 / median(times[1:])


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """What is put here is printed at the end."""
    return request.config.stash.setdefault(TALLY, Tally())


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tally = terminalreporter.config.stash.get(TALLY, None)
    if tally is None:
        return
    terminalreporter.section("side by side, medians")
    for group, rates in tally.rates.items():
        terminalreporter.line(f"\n{group}")
        terminalreporter.line(f"  {'':<12}{'per second':>14}{'ratio':>9}{'GEMM peak':>12}")
        slowest = min(rates.values())
        reference = rates.get("loop", rates.get("bare", slowest))[0]
        for name, (rate, share) in rates.items():
            part = "" if share is None else f"{share:>12.0%}"
            terminalreporter.line(f"  {name:<12}{rate:>14,.4g}{rate / reference:>9.2f}{part}")
