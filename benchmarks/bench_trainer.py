"""The batched trainer beside a plain loop, torch's vmap and JAX: the same networks, points and order, on one core.

Each must end at the losses of the loop. What is timed is the training: batches are gathered in it, and losses over the
training sets taken at its end, but data and starts are drawn, and functions compiled, before.
"""

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.cases import CASES
from benchmarks.contenders import CONTENDERS, MISSING, loop

ROUNDS = 7


@pytest.mark.parametrize("name", CONTENDERS)
@pytest.mark.parametrize("case", CASES)
def test_training(benchmark: BenchmarkFixture, tally, gemm_peak: float, case: str, name: str) -> None:
    if name in MISSING:
        pytest.skip(MISSING[name])
    shape, contender = CASES[case], CONTENDERS[name]
    benchmark.group = f"{case}, batch {shape.experiment.rule.batch}, {shape.seeds} networks"
    again = contender(shape) if name == "jax" else None  # compiled once; the others start anew from what they drew

    loss = benchmark.pedantic(
        lambda train: train(),
        setup=lambda: ((again or contender(shape),), {}),
        rounds=ROUNDS,
        warmup_rounds=1,
    )

    # float32 sums in another order leave a relative difference of about 1e-6
    torch.testing.assert_close(loss, loop(shape)(), rtol=1e-4, atol=1e-5)
    if benchmark.stats:
        seconds = benchmark.stats.stats.median
        tally.add(benchmark.group, name, shape.network_steps / seconds, shape.operations / seconds / gemm_peak)
        benchmark.extra_info["network-steps per second"] = round(shape.network_steps / seconds)
        benchmark.extra_info["share of the GEMM peak"] = round(shape.operations / seconds / gemm_peak, 3)
