"""The lab: trains what a session needs, and keeps the results."""

from gen_core.lab.filling import fill, first_place
from gen_core.lab.lab import Event, Lab
from gen_core.lab.plan import BLOCKS, Block, Demand, Plan, looked_up
from gen_core.lab.store import Entry, Store

__all__ = [
    "BLOCKS",
    "Block",
    "Demand",
    "Entry",
    "Event",
    "Lab",
    "Plan",
    "Store",
    "fill",
    "first_place",
    "looked_up",
]
