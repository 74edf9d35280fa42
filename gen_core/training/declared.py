"""What a draw must be: points and labels of the shapes that its recipe declares."""

from __future__ import annotations

from torch import Tensor

from gen_core.errors import InvalidExperiment
from gen_core.types import Data, Dataset, Pooled, held_out, targets_of


def require_declared(recipe: Dataset, data: Data) -> None:
    """Check that a draw has the parts that its recipe declares, in their shapes.

    Raises:
        InvalidExperiment: naming the recipe, what it drew and what is expected.
    """
    if not isinstance(data, Data):
        raise InvalidExperiment(f"{type(recipe).__name__} drew a {type(data).__name__}; expected a Data")
    for name, value in vars(data).items():
        if not isinstance(value, Tensor | Pooled) and (value is not None or not name.endswith("_test")):
            kind, say = type(value).__name__, "expected a tensor (torch.from_numpy makes one of an array)"
            raise InvalidExperiment(f"{type(recipe).__name__} drew {name} as a {kind}; {say}")
    n, n_test, inputs, targets = recipe.n, held_out(recipe), recipe.inputs, targets_of(recipe)
    expected = {"X": (n, *inputs), "y": (n, *targets)}
    if n_test:
        expected |= {"X_test": (n_test, *inputs), "y_test": (n_test, *targets)}
    for name, shape in expected.items():
        array = vars(data)[name]
        found = None if array is None else tuple(array.shape)
        if array is None or found != shape:
            raise InvalidExperiment(
                f"{type(recipe).__name__} drew {name} of shape {found}; expected {shape}, as its recipe says"
            )
        if name.startswith("X") and not array.dtype.is_floating_point:
            raise InvalidExperiment(f"{type(recipe).__name__} drew {name} of {array.dtype}; expected floating point")
    X_test = vars(data)["X_test"]
    if (X_test is None) != (data.y_test is None):
        found = "X_test without y_test" if data.y_test is None else "y_test without X_test"
        raise InvalidExperiment(f"{type(recipe).__name__} drew {found}; expected both or neither")
    if not n_test and X_test is not None and X_test.shape.numel():
        found = f"X_test of shape {tuple(X_test.shape)}"
        raise InvalidExperiment(
            f"{type(recipe).__name__} drew {found}; expected none, or its number as the field n_test"
        )
