"""Figure 1 of Li and Liang (2018) as a plain script: one network after the other, `nn.Module`s and `torch.optim.SGD`.

    python benchmarks/plain_figure_1.py --widths 500 1000 --seeds 2

prints test accuracy, changed activation patterns, relative distance and the drop behind the twentieth singular value of
the update at the end of each training. It measures what `benchmarks/bench_whole_figure.py` measures, at the same steps.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))  # the data, so that both ways see the same

from fixtures.li_liang.mixtures import CLASSES, PATTERNS, learning
from gen_core.training.draws import initial_parameters, sample_data
from gen_core.training.seeding import generator

DIMENSION, POINTS, HELD_OUT, STEPS, BATCH = 1_000, 1_000, 1_000, 400, 16
WIDTHS, SEEDS = (500, 1_000, 2_000, 4_000, 8_000), 5

Measured = dict[str, Tensor]
"""By name: "accuracy", "patterns" and "distance" at each checkpoint, (checkpoints,); of "update" and "weights" singular
values, in descending order."""


def train(width: int, seed: int, steps: int = STEPS) -> Measured:
    """Train one network and measure it."""
    experiment = learning(width, n=POINTS, d=DIMENSION, n_test=HELD_OUT, steps=steps)
    data, initial = sample_data(experiment, seed), initial_parameters(experiment, seed)
    X, y, X_test, y_test = data.X.float(), data.y, data.X_test.float(), data.y_test
    net = nn.Sequential(nn.Linear(DIMENSION, width, bias=False), nn.ReLU(), nn.Linear(width, CLASSES, bias=False))
    with torch.no_grad():
        net[0].weight.copy_(initial["W"])
        net[2].weight.copy_(initial["a"])
    net[2].requires_grad_(False)
    W, W_0 = net[0].weight, initial["W"]
    optimizer, criterion = torch.optim.SGD([W], lr=10 / width), nn.CrossEntropyLoss()
    order, batches, rows = generator((POINTS, BATCH, False), seed, "order"), [], []
    for step in range(steps + 1):
        if step in experiment.grid:
            with torch.no_grad():
                accuracy = (net(X_test).argmax(1) == y_test).double().mean()
                patterns = ((X @ W.T > 0) != (X @ W_0.T > 0)).double().mean()
                rows.append(torch.stack([accuracy, patterns, ((W - W_0).norm() / W_0.norm()).double()]))
        if step == steps:
            break
        if not batches:
            batches = list(torch.randperm(POINTS, generator=order)[: POINTS // BATCH * BATCH].view(-1, BATCH))
        index = batches.pop(0)
        optimizer.zero_grad()
        criterion(net(X[index]), y[index]).backward()
        optimizer.step()
    spectra = {"update": torch.linalg.svdvals(W.detach() - W_0), "weights": torch.linalg.svdvals(W.detach())}
    return dict(zip(("accuracy", "patterns", "distance"), torch.stack(rows, 1), strict=True)) | spectra


def figure(widths: Sequence[int] = WIDTHS, seeds: int = SEEDS) -> dict[int, Measured]:
    """All networks; by width, with a leading axis of seeds."""
    found = {}
    for width in widths:
        runs = [train(width, seed) for seed in range(seeds)]
        found[width] = {name: torch.stack([run[name] for run in runs]) for name in runs[0]}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Figure 1 of Li and Liang (2018), one network after the other.")
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS, metavar="M", help="hidden units")
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help="networks of each width")
    options = parser.parse_args()
    print("    m  accuracy  patterns  distance  s_20 / s_21")
    for width, found in figure(options.widths, options.seeds).items():
        last = [float(found[name][:, -1].mean()) for name in ("accuracy", "patterns", "distance")]
        drop = found["update"][:, PATTERNS - 1] / found["update"][:, PATTERNS]
        print(f"{width:>5}  {last[0]:>8.1%}  {last[1]:>8.4f}  {last[2]:>8.4f}  {float(drop.mean()):>11.1f}")


if __name__ == "__main__":
    main()
