"""Addresses of clusters: HOST:PORT of a head, which holds no secret."""

from __future__ import annotations

import re


def host_and_port(address: str) -> tuple[str, int] | None:
    """Host and port of HOST:PORT, where an IPv6 host is in brackets; None if it is something else."""
    found = re.fullmatch(r"([\w.-]+|\[[\da-fA-F:]+\]):(\d{1,5})", address)
    if found is None or not 0 < int(found[2]) < 2**16:
        return None
    return found[1].strip("[]"), int(found[2])
