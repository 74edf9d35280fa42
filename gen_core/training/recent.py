"""The most recently used draws of tensors, up to a size; whoever takes them gets copies."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping

from torch import Tensor


class Recent:
    """A cache of tensors by name, which forgets what was not used for longest.

    Args:
        most: bytes to keep; the last draw is kept whatever its size.
    """

    def __init__(self, most: int) -> None:
        self.most, self.bytes = most, 0
        self.kept: OrderedDict[Hashable, dict[str, Tensor]] = OrderedDict()

    def take(self, key: Hashable) -> dict[str, Tensor] | None:
        """Copies of what is kept under a key, or None."""
        if key not in self.kept:
            return None
        self.kept.move_to_end(key)
        return _copied(self.kept[key])

    def keep(self, key: Hashable, tensors: Mapping[str, Tensor]) -> None:
        """Keep copies of some tensors, in place of others under this key."""
        self.bytes -= _size(self.kept.pop(key, {}))
        self.kept[key] = _copied(tensors)
        self.bytes += _size(tensors)
        while len(self.kept) > 1 and self.bytes > self.most:
            self.bytes -= _size(self.kept.popitem(last=False)[1])


def _copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in tensors.items()}


def _size(tensors: Mapping[str, Tensor]) -> int:
    return sum(value.nbytes for value in tensors.values())
