"""How the cost of a training grows with seeds, steps and width, and its memory with seeds.

    python benchmarks/scaling.py -o benchmarks/scaling.svg

measures, prints the fitted exponents, and draws them. It exits with 1 where a cost grows by an exponent above 1.1, or
where a training took more memory than its budget. Peak memory is that of a process of its own for each number of seeds.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import matplotlib.style
import numpy as np
import torch
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.cases import CASES, Points
from gen_core import MLP, SGD, CrossEntropy, Experiment, LiLiang
from gen_core.training.cost import cost
from gen_core.training.device import fix_numerics, keep_freed_memory, memory_budget
from gen_core.training.trainer import train_rows as train

ROUNDS, MOST = 5, 1.1
CPU = torch.device("cpu")
BASE = CASES["MLP 100-256-1"].experiment
LARGE = Experiment(
    data=Points((1_000,), 10), model=LiLiang(4_000, 10), rule=SGD(0.01, batch=16), loss=CrossEntropy(), steps=4
)
AXES = {
    "seeds": [(k, BASE, k) for k in (8, 16, 32, 64)],
    "steps": [(k, replace(BASE, steps=k), 16) for k in (128, 256, 512, 1024)],
    "width": [(k, replace(BASE, model=MLP(hidden=(k,))), 16) for k in (128, 256, 512, 1024)],
}
SEEDS = (16, 32, 64, 128)


def seconds(experiment: Experiment, seeds: int) -> float:
    """A training, data and starts included: the median of five."""
    rows, times = [(experiment, seed) for seed in range(seeds)], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in train(rows, CPU):
            pass
        times.append(time.perf_counter() - began)
    return median(times)


def peak(seeds: int) -> float:
    """MiB that a training of some seeds of LARGE adds to a process."""
    command = [sys.executable, __file__, "--peak", str(seeds)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def added(seeds: int) -> float:
    def most() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    for _ in train([(replace(LARGE, model=LiLiang(8, 10)), 0)], CPU):
        pass
    before = most()
    for _ in train([(LARGE, seed) for seed in range(seeds)], CPU):
        pass
    return most() - before


def draw(times: dict[str, list[tuple[int, float]]], exponents: dict[str, float], peaks: list[float], to: Path) -> None:
    budget = memory_budget(CPU) / 2**20
    with matplotlib.style.context(["default", {"svg.hashsalt": "gen-core", "svg.fonttype": "none", "font.size": 9}]):
        figure = Figure(figsize=(11, 2.8), layout="constrained")
        axes = figure.subplots(1, 4)
        for ax, (name, points) in zip(axes, times.items(), strict=False):
            x, y = zip(*points, strict=True)
            ax.loglog(x, y, "o-", color="#0060a8")
            ax.loglog(x, [y[0] * at / x[0] for at in x], "--", color="#555555", label="in proportion")
            ax.set(title=f"{name}: exponent {exponents[name]:.2f}", xlabel=name, ylabel="seconds")
            ax.set_xticks(x, [str(at) for at in x], minor=False)
            ax.minorticks_off()
            ax.legend(frameon=False)
        axes[3].plot(SEEDS, peaks, "o-", color="#0060a8")
        axes[3].plot(SEEDS, [k * cost(LARGE).memory / 2**20 for k in SEEDS], ":", color="#c25100", label="all at once")
        axes[3].axhline(budget, color="#555555", linestyle="--", label="budget")
        axes[3].set(title="peak memory", xlabel="seeds", ylabel="MiB", xticks=SEEDS, ylim=0)
        axes[3].legend(frameon=False)
        FigureCanvasSVG(figure).print_svg(to, metadata={"Date": None})


def main() -> int:
    parser = argparse.ArgumentParser(description="How the cost of a training grows with seeds, steps and width.")
    parser.add_argument("-o", "--output", type=Path, default=Path("scaling.svg"), help="the picture (SVG)")
    parser.add_argument("--peak", type=int, metavar="SEEDS", help="print the peak memory of one training, and no more")
    options = parser.parse_args()
    fix_numerics()
    keep_freed_memory()
    if options.peak:
        print(added(options.peak))
        return 0
    times = {name: [(at, seconds(e, seeds)) for at, e, seeds in points] for name, points in AXES.items()}
    exponents = {name: float(np.polyfit(*np.log(np.array(points)).T, 1)[0]) for name, points in times.items()}
    for name, points in times.items():
        print(f"{name:<6} exponent {exponents[name]:.3f}:", ", ".join(f"{at}: {t:.3f} s" for at, t in points))
    peaks, budget = [peak(k) for k in SEEDS], memory_budget(CPU) / 2**20
    print(
        "memory",
        ", ".join(f"{k} seeds: {mib:.0f} MiB" for k, mib in zip(SEEDS, peaks, strict=True)),
        f"of {budget:.0f}",
    )
    draw(times, exponents, peaks, options.output)
    return int(max(exponents.values()) > MOST or max(peaks) > budget)


if __name__ == "__main__":
    sys.exit(main())
