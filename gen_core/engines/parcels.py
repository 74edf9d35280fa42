"""A result of a training as bytes with a digest, for nodes that do not see the store."""

from __future__ import annotations

import hashlib
from typing import Any

import safetensors.torch

from gen_core.training.result import TrainingResult

Parcel = dict[str, Any]
"""A result in builtins: `arrays` as the bytes of a safetensors file, their `sha256`, and `stopped_by`."""


def packed(result: TrainingResult) -> Parcel:
    """A result as a parcel."""
    arrays = safetensors.torch.save({name: array.contiguous() for name, array in result.arrays.items()})
    return {"arrays": arrays, "sha256": hashlib.sha256(arrays).hexdigest(), "stopped_by": list(result.stopped_by)}


def unpacked(parcel: Parcel) -> TrainingResult:
    """The result of a parcel.

    Raises:
        ValueError: if its bytes are not those that were sent.
    """
    found = hashlib.sha256(parcel["arrays"]).hexdigest()
    if found != parcel["sha256"]:
        raise ValueError(f"a result came with digest {found[:12]}; expected {parcel['sha256'][:12]}")
    return TrainingResult(safetensors.torch.load(parcel["arrays"]), tuple(parcel["stopped_by"]))
