"""Locks of keys in a store: those of the system on one machine, leases where machines share the store.

On the file systems that machines share, what the system's own locks do depends on the server and its settings, and the
locks of a lost machine may stay. There a lock is a file that its holder renews from a thread of its own; one that has
not been renewed for `LEASE` seconds is taken over. A holder that was only frozen then trains beside another: both come
to the same result, and the later one replaces the earlier.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLease

from gen_core.records.ignored import make_ignored

LEASE = 30.0
"""Seconds without renewal after which a lease is taken over."""

SHARED = {"afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "gpfs", "lustre", "nfs", "nfs4", "smb3"}
"""File systems that machines share."""

MOUNTS = Path("/proc/self/mountinfo")
"""What is mounted where, on Linux."""


class Locks:
    """The locks of a store's folder.

    Args:
        root: the folder of the store.
        kind: "system"; "lease"; or "auto", leases on a file system that machines share. A store that has been used with
            leases is always used with them.
        notes: where to add one line if the file system has no locks.
    """

    def __init__(self, root: Path, kind: str, notes: list[str]) -> None:
        self.root, self.kind, self.notes = root, kind, notes
        self._leased: bool | None = None
        self._lockless = False

    def acquire(self, key: str, timeout: float) -> Callable[[], None]:
        """Hold the lock of a key; returns what releases it.

        Args:
            key: the key.
            timeout: seconds to wait for another holder; for ever if negative.

        Raises:
            Timeout: if another process holds it for longer.
            OSError: if the folder is full or cannot be written.
        """
        make_ignored(self.root)
        folder = self.root / "locks"
        folder.mkdir(exist_ok=True)
        lock: BaseFileLock
        with warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always")
            if self._by_leases(folder):
                lock = SoftFileLease(folder / f"{key}.lease", lease_duration=LEASE, poll_interval=LEASE / 60)
            else:
                lock = FileLock(folder / f"{key}.lock")
            lock.acquire(timeout=timeout)
        if raised and not self._lockless:
            self._lockless = True
            self.notes.append(f"warning: --store {self.root} has no file locks; lock files are used in their place")
        return lock.release

    def _by_leases(self, folder: Path) -> bool:
        if self._leased is None:
            mark = folder / "leases"
            asked = self.kind == "lease" or (self.kind == "auto" and file_system(self.root) in SHARED)
            if asked:
                mark.touch()
            self._leased = mark.exists()
        return self._leased


def file_system(path: Path) -> str:
    """Type of the file system that a path lies on, as Linux names it; "" where it cannot be told."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    mounted: dict[Path, str] = {}
    for line in lines:
        before, _, after = line.partition(" - ")
        mounted[Path(before.split()[4].encode().decode("unicode_escape"))] = after.split()[0]
    resolved = path.resolve()
    return next((mounted[each] for each in (resolved, *resolved.parents) if each in mounted), "")
