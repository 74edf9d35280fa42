"""The lab: who trains what a session needs, and where it is kept."""

from gen_core.lab.lab import Event, Lab
from gen_core.lab.plan import BLOCKS, Demand
from gen_core.lab.store import Store, result_key

__all__ = ["BLOCKS", "Demand", "Event", "Lab", "Store", "result_key"]
