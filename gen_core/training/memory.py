"""The memory of a training, estimated from its recipe layer by layer: what is alive at its peak.

Counted are torch's tensors, to within a factor of 1.5 of their peak on a CPU for the library's models and rules, and on
a GPU what cuDNN takes for large kernels, to within a factor of 2 of the peak on an H100; not a GPU's context.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gen_core.experiment import Experiment
from gen_core.models.activations import activation
from gen_core.models.contract import Layered, Model, units_of
from gen_core.rules import ClosureRule, Rule, is_plain, momentum_of
from gen_core.training.newton import CHUNK
from gen_core.training.seeding import AHEAD, SEGMENT
from gen_core.training.steps import choose_stepper
from gen_core.types import pool_sizes, targets_of

EVALUATED = 1024
"""Points per forward pass in evaluations: the fastest of 256 to 4096, since its activations stay in cache."""

INDEX = 8
"""Bytes of an index."""


class Passed(NamedTuple):
    """Numbers of one point in the network: what a layer is given, what it gives, and what its gradient needs of it."""

    given: int
    gives: int
    saved: int
    image: bool


class Memory(NamedTuple):
    """Peak memory of a training, in bytes: of each seed of a batch, and once for the batch whatever its seeds."""

    seed: int
    batch: int


def memory_of(experiment: Experiment, device: str) -> Memory:
    """Estimate from the recipe.

    Args:
        experiment: the recipe.
        device: "cpu", where what is recorded and the drawn starts count too, or "cuda".
    """
    data, itemsize, model = experiment.data, experiment.torch_dtype.itemsize, experiment.parts.model
    parameters, chain = model.size(data.inputs).parameters, _passed(model, data.inputs)
    absorbs, host = getattr(model, "absorbed", None) is not None, device == "cpu"
    points, held_out, numbers = data.n + experiment.tested, experiment.tested, math.prod(data.inputs)

    pools = pools_there(experiment, device)
    pooled = data.n * bool(pools[0]) + held_out * bool(pools[1])
    drawn = numbers * (points - pooled) + math.prod(targets_of(data)) * points + parameters
    held, stepping = _of_steps(experiment, parameters, chain)
    passed = min(max(data.n, held_out), EVALUATED)
    evaluating = passed * _forward(chain) + model.outputs * data.n + parameters * absorbs
    observed = any(not isinstance(each, str) for each in experiment.watch)
    evaluating += observed * points * _backward(chain)
    if pooled:  # what looks at all points at once has a copy of them
        evaluating += numbers * max(passed, data.n * (absorbs or observed))
    peak = drawn + held + max(stepping, evaluating, parameters * host) + _recorded(experiment) * host
    if not host and experiment.dtype == "float32":
        peak += _frequencies(model, data.inputs)

    given = itemsize * drawn + INDEX * pooled
    seed = given + itemsize * (peak - drawn) + _order(experiment)
    own = Memory(seed, itemsize * (data.n * _forward(chain) * absorbs + numbers * sum(pools)))
    if experiment.after is None:
        return own
    before = memory_of(experiment.after, device)  # while it is trained, the data of this one wait
    batches = (own.batch, before.batch)
    one_pool = pools == pools_there(experiment.after, device)
    return Memory(max(own.seed, given + before.seed), max(batches) if one_pool else sum(batches))


def pools_there(experiment: Experiment, device: str) -> tuple[int, int]:
    """Points of the pools of training and held-out inputs that a batch has on a GPU, once for all rows; or 0.

    Steps of all points gather none: a row has its own then, as on a CPU.
    """
    if device == "cpu":
        return 0, 0
    train, test = pool_sizes(experiment.data)
    return train * (experiment.parts.rule.batch is not None), test * bool(experiment.tested)


def _of_steps(experiment: Experiment, parameters: int, chain: list[Passed]) -> tuple[int, int]:
    """Numbers of a row that steps keep from one to the next, and those that they take besides."""
    data, (model, rule, _), stepper = experiment.data, experiment.parts, choose_stepper(experiment).name
    numbers, batch = math.prod(data.inputs), rule.batch or data.n
    gathered = numbers * (rule.batch or 0)
    if stepper == "newton":
        return gathered, 3 * parameters**2 + min(data.n * numbers, CHUNK)
    in_place = stepper == "sparse" or (stepper == "fused" and (is_plain(rule) or momentum_of(rule) is not None))
    copies = (not in_place) + states_of(rule) + isinstance(rule, ClosureRule)
    layers = model.layers(data.inputs) if isinstance(model, Layered) else ()
    # An update goes parameter by parameter: one copy of the largest where there is a state, and three with two of them.
    updating = (2 * copies - 3) * max((math.prod(layer.shape) for layer in layers), default=parameters)
    if stepper == "autograd":
        return gathered + parameters * copies, max(gathered + batch * _backward(chain), updating)
    kept = sum(each.given if each.image else each.given + each.gives for each in chain)
    back = _widest(chain) + max((each.gives for each in chain if each.image), default=0)
    return gathered + parameters * copies + batch * kept, max(gathered + batch * back, updating)


def _frequencies(model: Model, inputs: tuple[int, ...]) -> int:
    """Numbers that cuDNN takes to convolve with kernels above 3x3 at every place: Fourier transforms of the kernels."""
    layers = model.layers(inputs) if isinstance(model, Layered) else ()
    large = [each.shape for each in layers if each.kind == "convolution" and each.stride == 1]
    kernels = max((shape[0] * shape[1] for shape in large if max(shape[2:]) > 3), default=0)
    return 2 * 32 * 17 * 2 * kernels  # of 32 x 17 complex numbers each, two at a time


def states_of(rule: Rule) -> int:
    """Numbers that a rule remembers for each parameter; 2, as Adam's, where it cannot be asked by itself."""
    try:
        state = rule.start({"W": torch.zeros(1, 16)}, lambda: [torch.Generator()])
    except Exception:  # a rule of somebody else's may want the parameters of its own model
        return 2
    return sum(_numbers(value) for value in state.values()) // 16


def _numbers(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(map(_numbers, value.values()))
    return value.numel() if isinstance(value, Tensor) else 0


def _passed(model: Model, inputs: tuple[int, ...]) -> list[Passed]:
    """The layers from the first to the last; three equal ones of a model that does not tell its own."""
    if not isinstance(model, Layered):
        units = math.ceil(units_of(model, inputs) / 3)
        return [Passed(0, units, units, False), *[Passed(units, units, units, False)] * 2]
    chain, below = [], 0
    for layer in model.layers(inputs):
        image = layer.kind == "convolution"
        given = below or (math.prod(inputs) if image else 0)  # dense layers look at the points where they are
        twice = bool(layer.gain) or activation(layer.activation).by_input
        chain.append(Passed(given, layer.units, layer.units * (1 + twice), image))
        below = layer.units
    return chain


def _forward(chain: list[Passed]) -> int:
    """Most numbers of a point at a time in a forward pass without gradients: those of a layer and of the one below."""
    return max(each.given + max(each.given, each.gives) + each.gives for each in chain)


def _backward(chain: list[Passed]) -> int:
    """Numbers of a point that a gradient by autograd takes: what is saved, and the way back."""
    return chain[0].given + sum(each.saved for each in chain) + _widest(chain)


def _widest(chain: list[Passed]) -> int:
    """Most numbers of a point before and after one layer."""
    return max(each.given + each.gives for each in chain)


def _order(experiment: Experiment) -> int:
    """Bytes of the order of a row's points: as its epochs were drawn, and joined."""
    rule = experiment.parts.rule
    if rule.batch is None:
        return 0
    ahead = min(AHEAD, experiment.steps) * rule.batch
    return 2 * INDEX * (max(SEGMENT, rule.batch) if rule.replacement else max(experiment.data.n, ahead))


def _recorded(experiment: Experiment) -> int:
    """Numbers of a row that the checkpoints leave on the host."""
    data, model, watch = experiment.data, experiment.parts.model, experiment.watch
    kept = model.size(data.inputs).parameters * ("weights" in watch) + experiment.tested // 8 * (
        "test_classes" in watch
    )
    kept += model.outputs * (data.n * ("train_outputs" in watch) + experiment.tested * ("test_outputs" in watch))
    return kept * experiment.recorded
