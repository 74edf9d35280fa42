"""Whether two runs have come to the same: their records case by case, and the arrays in their stores, to the bit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from gen_core.lab import Store
from gen_core.records import last_attempts

OF_THE_RUN = {"run", "seconds", "worker", "digest", "work", "trained"}
"""Fields of a case that tell how and when it was run; `digest` seals them too."""


def cases(report: Path) -> dict[str, dict[str, Any]]:
    """The records of a folder's last run, without what is of the run."""
    run = max((report / "records").iterdir())
    records, _ = last_attempts(run)
    return {case.nodeid: {k: v for k, v in vars(case).items() if k not in OF_THE_RUN} for case in records}


def differences(a: Any, b: Any, where: str = "") -> Iterator[str]:
    """Where two values differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            yield from differences(a.get(key), b.get(key), f"{where} {key}")
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from differences(x, y, f"{where} {i}")
    elif hasattr(a, "__dict__") and hasattr(b, "__dict__"):
        yield from differences(vars(a), vars(b), where)
    elif a != b and not (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b)):
        yield f"{where}: {a!r}, {b!r}"


def stored(ours: Path, theirs: Path) -> Iterator[str]:
    """Where the results in two stores differ."""
    one, two = Store(ours), Store(theirs)
    keys, others = ({entry.key for entry in store.entries()} for store in (one, two))
    yield from (f"{key} is in one alone" for key in sorted(keys ^ others))
    for key in sorted(keys & others):
        a, b = one.load(key), two.load(key)
        assert a is not None
        assert b is not None
        if a.stopped_by != b.stopped_by or a.arrays.keys() != b.arrays.keys():
            yield f"{key} has other arrays or ends"
            continue
        for name, array in a.arrays.items():
            if not torch.equal(array.contiguous().view(torch.uint8), b.arrays[name].contiguous().view(torch.uint8)):
                yield f"{key} {name}"
