"""What the numbers of a run depend on, block by block, for what is measured of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from gen_core.lab.plan import Block
from gen_core.lab.work import Begun
from gen_core.recipe import digest


@dataclass(frozen=True)
class BlockSource:
    """A block of seeds as the source of a run's numbers.

    Attributes:
        block: the block.
        drawn: digests of what its seeds drew when it was trained, (seeds, 2), as numbers, since a tensor keeps its file
            open; None where nothing is trained.
        begun: tells them where nothing is trained.
    """

    block: Block
    drawn: Sequence[Sequence[int]] | None
    begun: Begun

    @property
    def size(self) -> int:
        """Number of seeds."""
        return len(self.block.seeds)

    @property
    def key(self) -> str:
        """Key of its training, also where it takes no step."""
        return self.block.key

    @property
    def mark(self) -> str:
        """Digest of its key and of what its seeds drew; "" where its code looks up what no key can tell.

        Cost: where nothing is trained, a draw of all seeds, once.
        """
        return self._mark

    @cached_property
    def _mark(self) -> str:
        if self.block.reads:
            return ""
        drawn = self.begun(self.block.experiment, self.block.seeds) if self.drawn is None else self.drawn
        return digest(self.key, tuple(map(tuple, drawn)))


def sources_of(
    blocks: Sequence[Block], drawn: Sequence[Sequence[Sequence[int]]], begun: Begun
) -> tuple[BlockSource, ...]:
    """The sources of some blocks, with what they drew where they were trained."""
    known = drawn or [None] * len(blocks)
    return tuple(BlockSource(block, each, begun) for block, each in zip(blocks, known, strict=True))
