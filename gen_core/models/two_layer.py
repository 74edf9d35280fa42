"""The linear and two-layer models that the papers analyse; networks of any depth are in `gen_core.models.networks`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from gen_core.checks import check_choice, check_count, check_flag, check_number
from gen_core.errors import InvalidExperiment
from gen_core.models.activations import Polynomial, activation
from gen_core.models.contract import Layer, Layered
from gen_core.models.layers import normal
from gen_core.models.products import affine, matvec


@dataclass(frozen=True)
class Linear(Layered):
    """f(x) = <w, x>, or <w, x> + b; inputs are flattened.

    Parameters are w, (d,), and with a bias b, (). At initialization w ~ N(0, init_std^2 I) and b = 0.
    """

    init_std: float = 0.0
    bias: bool = False
    is_chain: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("init_std", self.init_std, least=0)
        check_flag("bias", self.bias)

    @property
    def outputs(self) -> int:
        """One."""
        return 1

    @property
    def trainable(self) -> tuple[str, ...]:
        """w, and b where there is one."""
        return ("w", "b") if self.bias else ("w",)

    def init(self, inputs: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
        """Draw one seed's parameters; see `Model.init`."""
        params = {"w": normal((math.prod(inputs),), self.init_std, generator).to(dtype)}
        return params | {"b": torch.zeros((), dtype=dtype)} if self.bias else params

    def forward(self, params: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Outputs, (S, B); see `Model.forward`."""
        f = matvec(X.flatten(2), params["w"])
        return f + params["b"].unsqueeze(-1) if self.bias else f

    def batch_form(self) -> Linear:
        """The model without its init_std."""
        return replace(self, init_std=0.0)

    def layers(self, inputs: tuple[int, ...]) -> tuple[Layer, ...]:
        """One layer, whose one-row matrix is stored as the vector w; see `Layered.layers`."""
        return (Layer("w", (1, math.prod(inputs)), "b" if self.bias else ""),)


@dataclass(frozen=True)
class TwoLayer(Layered):
    """Two-layer network in the NTK parameterization, f(x) = v^T phi(W x / sqrt(d)) / sqrt(m).

    Source: Hu et al., "The Surprising Simplicity of the Early-Time Learning Dynamics of Neural Networks" (2020),
    section 3, eq. (1) and (3). Parameters are W, (m, d), with rows w_r ~ N(0, I_d), and v, (m,), of random signs
    or, as footnote 6 allows, of entries N(0, 1).

    Attributes:
        width: m.
        activation: phi, by name or a `Polynomial`; see `gen_core.models.activations`.
        symmetric: eq. (3): the second half of the neurons repeats W with v negated, so that f = 0 at initialization.
        train: ("W",), ("v",) or ("W", "v").
        second_layer: how v is drawn, "signs" or "normal".
    """

    width: int
    activation: str | Polynomial = "erf"
    symmetric: bool = True
    train: tuple[str, ...] = ("W",)
    second_layer: str = "signs"
    is_chain: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_count("width", self.width)
        activation(self.activation)
        check_flag("symmetric", self.symmetric)
        if self.symmetric and self.width % 2:
            raise InvalidExperiment(f"width {self.width} with symmetric=True; expected an even width")
        if self.train not in (("W",), ("v",), ("W", "v")):
            raise InvalidExperiment(f"train {self.train!r}; expected ('W',), ('v',) or ('W', 'v')")
        check_choice("second_layer", self.second_layer, ("signs", "normal"))

    @property
    def outputs(self) -> int:
        """One."""
        return 1

    @property
    def trainable(self) -> tuple[str, ...]:
        """The parameters named in `train`."""
        return self.train

    def init(self, inputs: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
        """Draw one seed's parameters; see `Model.init`."""
        drawn = self.width // 2 if self.symmetric else self.width
        W = normal((drawn, math.prod(inputs)), 1.0, generator)
        if self.second_layer == "normal":
            v = normal((drawn,), 1.0, generator)
        else:
            v = 2.0 * torch.randint(2, (drawn,), generator=generator).to(torch.float64) - 1.0
        if self.symmetric:
            W, v = torch.cat([W, W]), torch.cat([v, -v])
        return {"W": W.to(dtype), "v": v.to(dtype)}

    def forward(self, params: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Outputs, (S, B); see `Model.forward`."""
        (hidden,) = self.features(params, X)
        return matvec(hidden, params["v"]) / math.sqrt(self.width)

    def features(self, params: Mapping[str, Tensor], X: Tensor) -> tuple[Tensor]:
        """Outputs of the hidden layer after the activation, (S, B, m)."""
        x = X.flatten(2)
        return (activation(self.activation)(affine(x / math.sqrt(x.shape[-1]), params["W"], None)),)

    def batch_form(self) -> TwoLayer:
        """The model without its symmetry and its law of v, which only affect initialization."""
        return replace(self, symmetric=False, second_layer="signs")

    def layers(self, inputs: tuple[int, ...]) -> tuple[Layer, ...]:
        """W and v with the scales of the NTK parameterization; see `Layered.layers`."""
        d = math.prod(inputs)
        return (
            Layer("W", (self.width, d), activation=self.activation, scale=d**-0.5),
            Layer("v", (1, self.width), scale=self.width**-0.5),
        )


@dataclass(frozen=True)
class LiLiang(Layered):
    """Two-layer ReLU network with k outputs, f_i(x) = sum_r a_{i,r} ReLU(<w_r, x>), in which only W is trained.

    Source: Li and Liang, "Learning Overparameterized Neural Networks via Stochastic Gradient Descent on Structured
    Data" (2018), section 3 with (A3). Parameters are W, (m, d), with rows w_r ~ N(0, init_std^2 I), and a, (k, m),
    of entries N(0, 1).

    Attributes:
        width: m.
        classes: k, at least 2.
        init_std: None is m^(-1/2), the sigma of (A3). Section 7 writes N(0, 1/sqrt(m)); the figures follow (A3).
    """

    width: int
    classes: int
    init_std: float | None = None
    is_chain: ClassVar[bool] = True
    one_by_one: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_count("width", self.width)
        check_count("classes", self.classes)
        if self.classes < 2:
            raise InvalidExperiment(f"classes {self.classes}; expected at least 2")
        if self.init_std is not None:
            check_number("init_std", self.init_std, least=0)

    @property
    def outputs(self) -> int:
        """One output per class."""
        return self.classes

    @property
    def trainable(self) -> tuple[str, ...]:
        """W alone."""
        return ("W",)

    def init(self, inputs: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
        """Draw one seed's parameters; see `Model.init`."""
        std = self.width**-0.5 if self.init_std is None else self.init_std
        W = normal((self.width, math.prod(inputs)), std, generator)
        a = normal((self.classes, self.width), 1.0, generator)
        return {"W": W.to(dtype), "a": a.to(dtype)}

    def forward(self, params: Mapping[str, Tensor], X: Tensor) -> Tensor:
        """Outputs, (S, B, k); see `Model.forward`."""
        return affine(self.features(params, X)[0], params["a"], None)

    def features(self, params: Mapping[str, Tensor], X: Tensor) -> tuple[Tensor]:
        """Outputs of the hidden layer after the activation, (S, B, m)."""
        return (torch.relu_(affine(X.flatten(2), params["W"], None)),)

    def batch_form(self) -> LiLiang:
        """The model without its init_std."""
        return replace(self, init_std=0.0)

    def layers(self, inputs: tuple[int, ...]) -> tuple[Layer, ...]:
        """W and a; see `Layered.layers`."""
        return (
            Layer("W", (self.width, math.prod(inputs)), activation="relu"),
            Layer("a", (self.classes, self.width)),
        )
