"""The networks of gen_core, for one seed, as torch.nn would have them."""

import torch
from torch import nn

from gen_core import MLP, ConvNet, ResNet

PHI = {"relu": nn.ReLU, "tanh": nn.Tanh, "softplus": lambda: nn.Softplus(threshold=40), "identity": nn.Identity}


class Block(nn.Module):
    def __init__(self, inner: nn.Sequential) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return h + self.inner(h)


def torch_net(model: MLP | ConvNet | ResNet, params: dict[str, torch.Tensor], inputs: tuple[int, ...]) -> nn.Sequential:
    """A module with a seed's parameters, in float64; what `features` has are the outputs of Block and `PHI` modules.

    Its parameters are those of the model, in their order.
    """
    numbers = iter(range(1, 1000))

    def own(layer: nn.Module, **named: str) -> nn.Module:
        for name, ours in named.items():
            setattr(layer, name, nn.Parameter(params[ours].detach().clone()))
        return layer

    def weighted(make, normalize, *args, **options) -> list[nn.Module]:
        i = next(numbers)
        biased = model.bias and not normalize
        layer = own(make(*args, bias=biased, **options), weight=f"W{i}", **({"bias": f"b{i}"} if biased else {}))
        if not normalize:
            return [layer]
        norm = nn.BatchNorm1d if make is nn.Linear else nn.BatchNorm2d
        return [layer, own(norm(args[1], dtype=torch.float64), weight=f"g{i}", bias=f"s{i}")]

    modules, into, norm, phi = [], inputs[0], model.batch_norm, PHI[model.activation]
    if isinstance(model, ConvNet):
        count = len(model.channels)
        each = [v if isinstance(v, tuple) else (v,) * count for v in (model.kernel, model.stride)]
        for out, kernel, stride in zip(model.channels, *each, strict=True):
            padding = kernel // 2 if model.padding == "same" else 0
            modules += [*weighted(nn.Conv2d, norm, into, out, kernel, stride=stride, padding=padding), phi()]
            into = out
    if isinstance(model, ResNet):
        c, k = model.channels, model.kernel
        same = {"padding": k // 2}
        modules += [*weighted(nn.Conv2d, norm, into, c, k, stride=model.stride, **same), phi()]
        for _ in range(model.blocks):
            first = weighted(nn.Conv2d, norm, c, c, k, **same)
            modules.append(Block(nn.Sequential(*first, phi(), *weighted(nn.Conv2d, norm, c, c, k, **same))))
    modules.append(nn.Flatten())
    # Its weights are set anew, so that the widths that it is made with are of no account.
    for width in model.hidden:
        modules += [*weighted(nn.Linear, norm, 1, width), phi()]
    return nn.Sequential(*modules, *weighted(nn.Linear, False, 1, model.outputs)).double()


def outputs_of(net: nn.Sequential, model: MLP | ConvNet | ResNet, X: torch.Tensor) -> torch.Tensor:
    """(B,) or (B, C), as the model has them."""
    f = net(X)
    return f.squeeze(1) if model.outputs == 1 else f
