"""Reports: from the records of a run to static HTML, a history of all runs, and files for other programs."""

from pathlib import Path

Stamps = dict[str, tuple[int, int]]


def stamps_of_sources() -> Stamps:
    """Time and size of each source file of the reports, which an edit changes."""
    found = {path.name: path.stat() for path in sorted(Path(__file__).parent.glob("*.py"))}
    return {name: (seen.st_mtime_ns, seen.st_size) for name, seen in found.items()}


LOADED = stamps_of_sources()
"""The sources that this process runs: those of now, unless one is edited later."""
