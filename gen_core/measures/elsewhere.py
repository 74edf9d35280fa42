"""Other weights of trained networks: between two of them, in random directions, rescaled, quantized.

Parameters are dicts, name -> (seeds, ...), and every function returns new ones of the same shapes and dtypes, which
`run.at` takes: the losses halfway between two arms are `a.at(interpolated(a.params(), b.params(), 0.5)).losses(X, y)`.
Parameters that a function does not change are returned as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from gen_core.checks import check_choice, check_count
from gen_core.errors import InvalidExperiment, Unfinished
from gen_core.measures.norms import Parameters, require_of_layers
from gen_core.models.contract import Layer

Scale = Literal["unit", "parameter", "filter"]


def interpolated(a: Parameters, b: Parameters, t: float) -> dict[str, Tensor]:
    """(1 - t) a + t b, which is a at 0 and b at 1, exactly; t may lie outside [0, 1]. See `weighted`."""
    return weighted((a, b), (1 - t, t))


def weighted(corners: Sequence[Parameters], shares: Sequence[float]) -> dict[str, Tensor]:
    """The sum of share times parameters over some networks, (seeds, ...): with equal shares, their barycentre.

    The corners are arms of a comparison, paired seed by seed. Arms that share the model, the data and the size of the
    batches also share start and order, and end as one network up to rounding: make them differ in what is to be
    compared. Pairs of seeds of one arm (`{name: p.roll(1, 0)}`) share networks, so that their values are dependent and
    no interval over seeds is right for them.

    Args:
        corners: parameters of each network. One that is equal in all corners is kept, whatever it holds.
        shares: a number for each, which sum to 1.

    Raises:
        InvalidExperiment: if names, shapes or dtypes differ, integers differ, the shares do not sum to 1, or the
            networks are one and the same.
    """
    if len(shares) != len(corners) or not math.isclose(math.fsum(shares), 1, rel_tol=0, abs_tol=1e-9):
        raise InvalidExperiment(f"shares {tuple(shares)} of {len(corners)} networks; expected one each, of sum 1")
    first, *others = corners
    for other in others:
        if _form(other) != _form(first):
            raise InvalidExperiment(f"parameters {_form(other)} beside {_form(first)}; expected those of one network")
    if all(torch.equal(other[name], p) for other in others for name, p in first.items()):
        raise InvalidExperiment(f"{len(corners)} networks of the same parameters; expected some that differ")
    return {name: _mixed(name, [corner[name] for corner in corners], shares) for name in first}


def _mixed(name: str, values: list[Tensor], shares: Sequence[float]) -> Tensor:
    first = values[0]
    if all(torch.equal(first, value) for value in values[1:]):
        return first
    if not first.is_floating_point():
        raise InvalidExperiment(
            f"parameter {name} of {first.dtype} differs between networks; expected floats, or equal"
        )
    kept = [(share, value.double()) for share, value in zip(shares, values, strict=True) if share]
    return sum((share * value for share, value in kept[1:]), kept[0][0] * kept[0][1]).to(first.dtype)


def random_direction(
    params: Parameters, streams: Sequence[torch.Generator], scale: Scale = "unit"
) -> dict[str, Tensor]:
    """A Gaussian direction for each seed's parameters, scaled; the next one at each call with the same streams.

    Source of the scale "filter": Li et al., "Visualizing the loss landscape of neural nets" (2018).

    Args:
        params: the parameters to move, (seeds, ...), such as `run.parameters`, the trained ones.
        streams: a generator per seed, such as `run.streams("directions")`; arms of equal shapes then share the draw.
        scale: "unit" for a direction of norm 1 in all parameters together; "parameter" for a norm that is each
            parameter's own; "filter" for a norm of each row of a matrix or kernel of a convolution (the weights into
            one unit) that is its own, and vectors as "parameter". With the last two, what is zero does not move.

    Raises:
        InvalidExperiment: for another number of streams than of seeds, or a parameter of integers.
    """
    check_choice("scale", scale, ("unit", "parameter", "filter"))
    if any(len(p) != len(streams) or not p.is_floating_point() for p in params.values()):
        raise InvalidExperiment(f"{len(streams)} streams for {_form(params)}; expected one for each seed, and floats")
    drawn = [
        {name: torch.randn(p.shape[1:], generator=stream, dtype=torch.float64) for name, p in params.items()}
        for stream in streams
    ]
    z = {name: torch.stack([row[name] for row in drawn]) for name in params}
    if scale == "unit":
        norm = torch.stack([_norms(each, 1) for each in z.values()]).norm(dim=0)
        scaled = {name: each / _like(norm, each) for name, each in z.items()}
    else:
        scaled = {name: _with_norm_of(params[name].double(), each, scale) for name, each in z.items()}
    return {name: each.to(params[name].dtype) for name, each in scaled.items()}


def _with_norm_of(p: Tensor, z: Tensor, scale: Scale) -> Tensor:
    kept = 2 if scale == "filter" and p.dim() > 2 else 1
    return z * _like(_norms(p, kept) / _norms(z, kept), z)


def _norms(p: Tensor, kept: int) -> Tensor:
    """Norms over all but the first axes."""
    return p.reshape(*p.shape[:kept], -1).norm(dim=-1)


def _each(name: str, value: float | Tensor, p: Tensor) -> Tensor:
    """A number, or one for each seed, float64 and ready to be multiplied with p, (seeds, ...)."""
    found = torch.as_tensor(value, dtype=torch.float64)
    if found.shape not in ((), p.shape[:1]):
        raise InvalidExperiment(
            f"{name} of shape {tuple(found.shape)}; expected one, or one for each of {len(p)} seeds"
        )
    return _like(found, p) if found.dim() else found


def _like(values: Tensor, p: Tensor) -> Tensor:
    return values.view(*values.shape, *[1] * (p.dim() - values.dim()))


def moved(params: Parameters, direction: Parameters, distance: float | Tensor) -> dict[str, Tensor]:
    """Parameters plus a distance times a direction, which may name only some of them.

    Args:
        params: all parameters, (seeds, ...).
        direction: what is added at distance 1; see `random_direction`.
        distance: one number, or one for each seed, (seeds,).

    Raises:
        InvalidExperiment: if the direction names a parameter that is not there, or has another shape.
    """
    for name, d in direction.items():
        if name not in params or params[name].shape != d.shape:
            raise InvalidExperiment(f"direction of {name}, {tuple(d.shape)}; expected some of {_form(params)}")
    steps = {name: _each("distance", distance, d) * d.double() for name, d in direction.items()}
    return {**params, **{name: (params[name].double() + step).to(params[name].dtype) for name, step in steps.items()}}


def radius(loss_at: Callable[[Tensor], Tensor], level: float, cap: float) -> Tensor:
    """Distance at which the loss of each seed passes a level, (seeds,), by bisection to 1e-9 of the cap.

    Where a loss passes the level several times, it is one of these places. The radius of a run in a direction d is that
    of `lambda r: run.at(moved(run.params(), d, r)).losses(X, y).mean(1)`.

    Args:
        loss_at: the losses, (seeds,), at distances, (seeds,) or (). Cost: 32 calls.
        level: the loss that is passed.
        cap: a distance at which the losses of all seeds are above the level.

    Raises:
        Unfinished: if the loss of a seed is above the level at distance 0, or not above it at the cap.
    """
    for distance, above in ((0.0, False), (cap, True)):
        losses = loss_at(torch.tensor(distance, dtype=torch.float64))
        if bool(((losses <= level) == above).any()):
            worst = float(losses.min() if above else losses.max())
            side = "above" if above else "at most"
            raise Unfinished(f"loss {worst:.3g} at distance {distance:g}; expected {side} {level:g} in every seed")
    low, high = torch.zeros(len(losses), dtype=torch.float64), torch.full((len(losses),), cap, dtype=torch.float64)
    for _ in range(30):
        middle = (low + high) / 2
        inside = loss_at(middle) <= level
        low, high = torch.where(inside, middle, low), torch.where(inside, high, middle)
    return high


def rescaled(params: Parameters, layers: Sequence[Layer], at: int, factor: float | Tensor) -> dict[str, Tensor]:
    """Layer `at`, from 0 at the input, times a factor, biases too, and the weights of the next one divided by it.

    The outputs of a chain of layers are unchanged if the activation of layer `at` is positively homogeneous (ReLU,
    leaky ReLU, identity), and not if it is another.

    Source: Dinh et al., "Sharp minima can generalize for deep nets" (2017), the alpha-scale transformation.

    Args:
        params: all parameters, (seeds, ...).
        layers: the layers, from the input; see `gen_core.models.contract.layers_of`.
        at: a layer that is not the last.
        factor: a positive number, or one for each seed, (seeds,).

    Raises:
        InvalidExperiment: if there is no such layer, a factor is not positive, or the parameters are not the layers'.
    """
    check_count("at", at, least=0, most=len(layers) - 2)
    require_of_layers(params, layers)
    if not bool((torch.as_tensor(factor) > 0).all()):
        raise InvalidExperiment(f"factor {factor}; expected a positive number, or one for each seed")
    found = {name: params[name] * _each("factor", factor, params[name]) for name in layers[at].names}
    above = params[layers[at + 1].weight]
    found[layers[at + 1].weight] = above / _each("factor", factor, above)
    return {**params, **{name: p.to(params[name].dtype) for name, p in found.items()}}


def quantized(params: Parameters, bits: int) -> dict[str, Tensor]:
    """Every parameter rounded to the nearest of 2^bits - 1 equidistant values from -max |p| to max |p|, seed by seed.

    Args:
        params: the parameters, (seeds, ...); see `moved` for how some of them take the place of those of a run.
        bits: at least 2, which leaves -max, 0 and max.
    """
    check_count("bits", bits, least=2)
    return {name: _rounded(p, 2 ** (bits - 1) - 1) for name, p in params.items()}


def _rounded(p: Tensor, levels: int) -> Tensor:
    unit = _like(p.double().reshape(len(p), -1).abs().amax(1) / levels, p)
    return torch.where(unit > 0, (p.double() / unit).round() * unit, 0).to(p.dtype)


def barrier(losses: Tensor, t: Sequence[float]) -> Tensor:
    """Largest excess of the loss over the line between its ends, (seeds,), along a way from one network to another.

    Source: Entezari et al., "The role of permutation invariance in linear mode connectivity of neural networks" (2022).

    Args:
        losses: losses at the places t, (len(t), seeds).
        t: increasing, from 0 to 1.

    Raises:
        InvalidExperiment: if the losses do not have a place each, or these do not go from 0 to 1.
    """
    places = torch.as_tensor(t, dtype=torch.float64)
    increasing = places.dim() == 1 and len(places) > 2 and bool((places.diff() > 0).all())
    if len(losses) != len(places) or not increasing or (float(places[0]), float(places[-1])) != (0.0, 1.0):
        raise InvalidExperiment(
            f"{len(losses)} losses at {tuple(t)}; expected one at each of three or more increasing places from 0 to 1"
        )
    straight = torch.lerp(losses[:1].double(), losses[-1:].double(), _like(places, losses))
    return (losses.double() - straight).amax(0)


def _form(params: Parameters) -> str:
    return ", ".join(f"{name} {tuple(p.shape)} {p.dtype}".replace("torch.", "") for name, p in sorted(params.items()))
