"""The cases in JAX: vmap over networks, in jit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.cases import RATE, Case
from gen_core import ConvNet, LiLiang, Linear

Params = dict[str, jax.Array]


def training(
    case: Case, starts: dict[str, np.ndarray], X: np.ndarray, y: np.ndarray, order: np.ndarray
) -> Callable[[], np.ndarray]:
    """A function that trains from the starts, (seeds, ...), and returns losses; `order` is (steps, seeds, batch)."""
    model = case.experiment.model
    forward = _linear if isinstance(model, Linear) else _li_liang if isinstance(model, LiLiang) else _mlp
    forward = _convolutional if isinstance(model, ConvNet) else forward
    names = model.trainable
    # Copied, since JAX may otherwise share memory with torch.
    trained = {name: jnp.array(starts[name]) for name in names}
    fixed = {name: jnp.array(p) for name, p in starts.items() if name not in names}
    points, labels, steps = jnp.array(X), jnp.array(y), jnp.array(order)

    def loss(trained: Params, fixed: Params, x: jax.Array, y: jax.Array) -> jax.Array:
        f = forward({**trained, **fixed}, x)
        if model.outputs == 1:
            return jnp.mean(jax.nn.softplus(-y * f))
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(f), y[:, None], 1))

    def step(trained: Params, index: jax.Array) -> Params:
        def one(trained: Params, fixed: Params, x: jax.Array, y: jax.Array, index: jax.Array) -> Params:
            gradients = jax.grad(loss)(trained, fixed, x[index], y[index])
            return jax.tree.map(lambda p, g: p - RATE * g, trained, gradients)

        return jax.vmap(one)(trained, fixed, points, labels, index)

    losses = jax.jit(jax.vmap(loss))
    if isinstance(model, ConvNet):
        one_step = jax.jit(step)

        def train(trained: Params) -> Params:
            for index in steps:
                trained = one_step(trained, index)
            return trained
    else:
        train = jax.jit(lambda trained: lax.scan(lambda t, index: (step(t, index), None), trained, steps)[0])
    return lambda: np.array(losses(train(trained), fixed, points, labels))


def _linear(p: Params, x: jax.Array) -> jax.Array:
    return x @ p["w"]


def _mlp(p: Params, x: jax.Array) -> jax.Array:
    return (jax.nn.relu(x @ p["W1"].T + p["b1"]) @ p["W2"].T + p["b2"])[:, 0]


def _li_liang(p: Params, x: jax.Array) -> jax.Array:
    return jax.nn.relu(x @ p["W"].T) @ p["a"].T


def _convolutional(p: Params, x: jax.Array) -> jax.Array:
    convolve = partial(
        lax.conv_general_dilated,
        window_strides=(2, 2),
        padding=((1, 1), (1, 1)),
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
    )
    for k in ("1", "2"):
        x = jax.nn.relu(convolve(x, p["W" + k]) + p["b" + k][:, None, None])
    return (x.reshape(len(x), -1) @ p["W3"].T + p["b3"])[:, 0]
