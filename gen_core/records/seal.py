"""The seal of a record: a digest of all its other fields, which tells whether a file is damaged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SEAL = "digest"
"""Name of the seal among the fields of a record. Records of earlier versions have none."""


def sealed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A record, as nested builtins, with its seal."""
    return {**entry, SEAL: _digest(entry)}


def broken_seal(entry: Any) -> bool:
    """Whether a record has a seal that is not that of its other fields."""
    return isinstance(entry, Mapping) and entry.get(SEAL) not in (None, _digest(entry))


def _digest(entry: Mapping[str, Any]) -> str:
    others = {name: value for name, value in entry.items() if name != SEAL}
    return hashlib.sha256(json.dumps(others, sort_keys=True).encode()).hexdigest()
