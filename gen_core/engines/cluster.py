"""What the engine's loop asks of a cluster."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gen_core.engines.folder import Unit
from gen_core.engines.parcels import Parcel


@dataclass(frozen=True)
class Answer:
    """What has come back from a node.

    Attributes:
        node: name of the node, or "".
        values: what `train_units` has returned; None where it has not.
        raised: the pickled exception of the task's own code.
        broken: why the cluster has lost the task, in one line.
    """

    node: str = ""
    values: list[dict[str, Any]] | None = None
    raised: bytes = b""
    broken: str = ""


class Cluster(Protocol):
    """Nodes that train units."""

    nodes: list[str]
    slots: int

    def look(self) -> str:
        """Look at the nodes and slots; why nothing can be trained there, in one line, or ""."""
        ...

    def send(self, units: Sequence[Unit], taught: Sequence[Any], avoid: set[str]) -> Hashable:
        """Send units as one task, with what `share` has given for their teachers, to any node but some.

        Args:
            units: one unit, or several that have no teachers; trained in this order.
            taught: one for each of the first unit's teachers.
            avoid: nodes.

        Returns:
            A ticket.
        """
        ...

    def share(self, parcel: Parcel) -> Any:
        """Keep a result for the nodes, for as long as what this gives is kept."""
        ...

    def answers(self, tickets: Sequence[Hashable]) -> dict[Hashable, Answer]:
        """The answers that are there, after a second at most."""
        ...

    def drop(self, ticket: Hashable) -> None:
        """Forget a task, which may still run."""
        ...
