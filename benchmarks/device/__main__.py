"""Network-steps a second of the benchmarks' cases on the device at hand, beside what is estimated for it.

    python -m benchmarks.device [--device auto|cpu|cuda] [--steps N] [--times N]

What is timed is the training, evaluation at its end included; data and starts are drawn before, and a first training of
the same shapes is not counted. On a GPU all losses must be those of a CPU, to a part in a thousand, and the same steps
are timed without a graph as well.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from unittest.mock import patch

import torch
from torch import Tensor

from benchmarks.cases import CASES
from gen_core import Experiment
from gen_core.training import captured
from gen_core.training.batch import Batch
from gen_core.training.cost import group_seconds
from gen_core.training.device import fix_numerics, keep_freed_memory, resolve
from gen_core.training.slots import slot_on

ROUNDS = 3
CPU = torch.device("cpu")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--steps", type=int, metavar="N", help="steps of each training (default: those of the case)")
    parser.add_argument("--times", type=int, metavar="N", default=1, help="times as many networks (default: 1)")
    options = parser.parse_args(arguments)
    fix_numerics()
    keep_freed_memory()
    with slot_on(resolve(options.device)) as device:
        assert device is not None
        of = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
        print(f"{device.type} ({of}), torch {torch.__version__}, medians of {ROUNDS}")
        head = f"{'':<24}{'networks':>9}{'steps':>7}{'network-steps/s':>17}{'seconds':>10}{'estimated':>11}"
        print(head + f"{'no graph':>10}" * (device.type == "cuda"))
        for name, case in CASES.items():
            seeds = case.seeds * options.times
            experiment = replace(case.experiment, steps=options.steps or case.experiment.steps)
            seconds = timed(experiment, seeds, device)
            with patch.object(captured, "WORTH", sys.maxsize):
                plain = f"{timed(experiment, seeds, device, False):>10.3f}" if device.type == "cuda" else ""
            print(
                f"{name:<24}{seeds:>9}{experiment.steps:>7}{seeds * experiment.steps / seconds:>17,.0f}{seconds:>10.3f}"
                f"{group_seconds([(experiment, seeds)], device.type):>11.3f}{plain}",
                flush=True,
            )
    return 0


def timed(experiment: Experiment, seeds: int, device: torch.device, compared: bool = True) -> float:
    """Median seconds of a training of so many seeds as one batch, whose losses may be compared with a CPU's."""
    taken, loss = [], torch.empty(0)
    for _ in range(ROUNDS + 1):
        batch = Batch([(experiment, seed) for seed in range(seeds)], device)
        began = time.perf_counter()
        loss = _losses(batch)  # on the host, so that the device is done
        taken.append(time.perf_counter() - began)
    if device != CPU and compared:
        few = min(seeds, 2)
        on_cpu = _losses(Batch([(experiment, seed) for seed in range(few)], CPU))
        torch.testing.assert_close(loss[:few], on_cpu, rtol=1e-3, atol=1e-4)
    return median(taken[1:])


def _losses(batch: Batch) -> Tensor:
    return batch.train(lambda step: None).arrays["train_loss"]


if __name__ == "__main__":
    sys.exit(main())
