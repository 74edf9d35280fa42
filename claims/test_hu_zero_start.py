"""A start at the zero function leaves the tangent kernel as it is.

Hu et al. (2020), section 3, after eq. (3):

    The symmetric initialization "has the benefit of ensuring zero output: f(x; W, v) = 0, without altering the NTK at
    initialization. An alternative way to achieve the same effect is to subtract the function output at initialization."

Measured: the largest entry of the kernel of all weights of the symmetric network, minus that of the network of its
first m/2 neurons, which eq. (3) draws at random; both by contraction of Jacobians. Of independent neurons they differ.
"""

import torch
from torch import Tensor

from fixtures.hu.assumptions import starts_as_zero_function
from fixtures.hu.kernels import drawn_both_layers, minus_copy
from fixtures.papers import HU
from gen_core import MinusCopy, Mutation, Run, TwoLayer, claim, expect
from gen_core.measures import tangent_kernel
from gen_core.models import Model

# float64; 16 seeds leave 6e-15 of kernels near 1, and the controls .2 or more.
ROUNDING = 1e-10

NAMES = ("erf", "relu", "softplus")
WITHOUT_COPY = Mutation("without-the-copy", "The outputs at initialization are those of the network alone.")
OTHER_WEIGHTS = Mutation("other-weights", "The network's kernel is taken at twice its weights.")


def kernels(model: Model, params: dict[str, Tensor], run: Run) -> Tensor:
    """Kernels of each seed on its training points, (seeds, n, n)."""
    each = [{name: p[i] for name, p in params.items()} for i in range(len(run.seeds))]
    return torch.stack([tangent_kernel(model, one, X) for one, X in zip(each, run.X, strict=True)])


@claim(
    cite=HU.at("section 3, after eq. (3)", "28"),
    given={name: drawn_both_layers(name, symmetric=True) for name in NAMES},
    assuming=(starts_as_zero_function,),
    without={starts_as_zero_function: drawn_both_layers("erf")},
)
def test_symmetric_initialization_does_not_alter_the_kernel(run: Run) -> None:
    model, start = run.model, run.params("start")
    assert isinstance(model, TwoLayer)
    half = TwoLayer(model.width // 2, model.activation, symmetric=False, train=model.train)
    drawn = {name: p[:, : half.width] for name, p in start.items()}
    off = kernels(model, start, run) - kernels(half, drawn, run)

    expect(off.abs().amax((1, 2)), "largest change of the kernel").always_at_most(ROUNDING)


@claim(
    cite=HU.at("section 3, after eq. (3)", "28"),
    given={name: minus_copy(name) for name in NAMES},
    without={WITHOUT_COPY: minus_copy("erf"), OTHER_WEIGHTS: minus_copy("erf")},
)
def test_subtracting_the_start_has_the_same_effect(run: Run) -> None:
    """A network minus its output at initialization starts at zero, with the network's tangent kernel.

    Hu et al. (2020), section 3: subtracting the function output at initialization has the same effect as the symmetric
    initialization, a zero output without a change of the NTK.

    Measured: the largest |f_0(x)| and the largest change of an entry of the kernel on the training points, the larger
    of both. It holds for every network, so that the controls are wrong measures.
    """
    model, start = run.model, run.params("start")
    assert isinstance(model, MinusCopy)
    own = {name: start[name] * (2 if run.mutated_by(OTHER_WEIGHTS) else 1) for name in model.trainable}
    outputs = (model.model if run.mutated_by(WITHOUT_COPY) else model).forward(start, run.X)
    change = kernels(model, start, run) - kernels(model.model, own, run)

    expect(
        torch.maximum(outputs.abs().amax(1), change.abs().amax((1, 2))), r"largest $|f_0|$ or change"
    ).always_at_most(ROUNDING)
