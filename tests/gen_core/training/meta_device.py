"""What a training asks of a GPU, told without one: it is counted on torch's meta device, which has no numbers.

Whatever is read is 0 and no row ends, so that all steps are taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import torch
import torch._meta_registrations  # gradients of convolutions
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gen_core import Experiment
from gen_core.training import batch, foreign
from gen_core.training.batch import Batch

aten, META, CPU = torch.ops.aten, torch.device("meta"), torch.device("cpu")
READS = (aten._local_scalar_dense.default, aten.nonzero.default)
"""What the host waits for: a number, as by bool(), item() or tolist(), and a shape that depends on numbers."""
NO_KERNEL = ("empty", "new_empty", "detach", "alias", "lift", "_unsafe_view", "_reshape_alias")
PHASES = {"_step": "step", "_watch": "watch", "_end_rows": "look"}


class Device(TorchDispatchMode):
    """Counts reads, fetches, bytes sent and kernel launches; nothing is done with tensors of two devices.

    Attributes:
        most: the most of any call of a phase, "PHASE WHAT".
    """

    def __init__(self) -> None:
        super().__init__()
        self.now, self.most = Counter[str](), Counter[str]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        there, to = any(t.is_meta for t in tensors), kwargs.get("device")
        if there and func in READS:
            self._count("reads")
            return torch.empty(0, args[0].dim(), dtype=torch.int64) if func is READS[1] else 0
        if there and func is aten._to_copy.default and to == CPU:
            self._count("late" if kwargs.get("non_blocking") else "fetches")
            return torch.zeros_like(args[0], device=CPU, dtype=kwargs.get("dtype"))
        if func is aten.copy_.default or (func is aten._to_copy.default and to == META):
            self._count("bytes", tensors[-1].nbytes * (not tensors[-1].is_meta))
        else:
            assert len({t.device for t in tensors if t.dim()}) < 2, f"{func} of tensors on two devices"
        own = func._schema.name.removeprefix("aten::").startswith(NO_KERNEL)
        self._count("launches", (there or to == META) and not func.is_view and not own)
        return func(*args, **kwargs)

    def _count(self, what: str, times: int = 1) -> None:
        self.now[what] += times

    def within(self, phase: str, of_batch: Callable[..., Any]) -> Callable[..., Any]:
        """A method of batches that is counted as a phase of its own."""

        def counted(*args: Any) -> Any:
            if args[0].device != META:  # a teacher's, say, which is trained on the spot
                return of_batch(*args)
            self.now = Counter()
            result = of_batch(*args)
            self.most |= Counter({f"{phase} {what}": times for what, times in self.now.items()})
            return result

        return counted


def counted_on_meta(experiment: Experiment) -> Counter[str]:
    """The most reads, fetches, bytes sent and launches of a step, of recording and of a look, by "PHASE WHAT".

    All code counts as the library's own, whose steps nothing looks at.
    """
    device = Device()
    with ExitStack() as stack:
        for name, phase in PHASES.items():
            stack.enter_context(patch.object(Batch, name, device.within(phase, getattr(Batch, name))))
        stack.enter_context(patch.object(foreign, "_foreign", lambda kind: False))
        stack.enter_context(patch.object(batch, "draws_apart", lambda *args: None))  # all starts read as zeros
        stack.enter_context(patch.object(batch.Witness, "check", lambda *args: None))
        stack.enter_context(device)
        Batch([(experiment, seed) for seed in (0, 1)], META).train(lambda step: None)
    return device.most
