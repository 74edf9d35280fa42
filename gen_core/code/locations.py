"""Where the source of modules lies, whether that is a library's folder, and which version a library has."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

LIBRARIES = frozenset(
    Path(folder).resolve()
    for folder in (
        *(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")),
        *site.getsitepackages(),
        site.getusersitepackages(),
    )
)
"""Folders of installed libraries, as opposed to code written for a claim."""


def source_file(name: str) -> Path | None:
    """The Python file of a module, by dotted name; None where there is none, as for built-in modules.

    Nothing is imported for it: a module that is not loaded is looked for in the folders of its package.
    """
    if (module := sys.modules.get(name)) is not None:
        file = getattr(module, "__file__", None)
        return Path(file) if file and file.endswith(".py") and os.path.isfile(file) else None
    parent, _, last = name.rpartition(".")
    for folder in _folders(parent) if parent else sys.path:
        for path in (os.path.join(folder, last, "__init__.py"), os.path.join(folder, f"{last}.py")):
            if os.path.isfile(path):
                return Path(path)
    return None


def _folders(package: str) -> list[str]:
    """The folders of a package, which need not have an `__init__.py`."""
    if (module := sys.modules.get(package)) is not None:
        return [*getattr(module, "__path__", [])]
    parent, _, last = package.rpartition(".")
    return [os.path.join(folder, last) for folder in (_folders(parent) if parent else sys.path)]


@functools.cache
def installed(path: Path) -> bool:
    """Whether a file lies in a library folder, of this interpreter or of another one on the path."""
    whole = path.resolve()
    return bool({"site-packages", "dist-packages"} & set(whole.parts)) or not LIBRARIES.isdisjoint(whole.parents)


@functools.cache
def version_of(package: str) -> str:
    """The version of a package that is not followed, "" where none is known."""
    if package in sys.stdlib_module_names:
        return ".".join(map(str, sys.version_info[:2]))
    for name in _distributions_of(package):
        try:
            known = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        # A version says little of what was installed from a folder or a repository, which has a list of its files.
        origin = known.read_text("direct_url.json") or ""  # one that is edited in place is followed as source
        files = (known.read_text("RECORD") or "") if origin and '"editable": true' not in origin else ""
        return known.version + (f" {hashlib.sha256(files.encode()).hexdigest()}" if files else "")
    return ""


def _distributions_of(package: str) -> Iterator[str]:
    """What a package may be distributed as: most often as itself, and looking further takes half a second."""
    yield package
    yield from _all_distributions().get(package, ())


@functools.cache
def _all_distributions() -> Mapping[str, list[str]]:
    """Package -> what it is distributed as, of all that is installed."""
    return importlib.metadata.packages_distributions()


def file_digest(name: str) -> str:
    """Digest of the file of a module of which no version is known, as of one that is compiled; of a package, of all."""
    file = getattr(sys.modules.get(name), "__file__", None) or source_file(name)
    if not file or not Path(file).is_file():
        return "unknown"
    whole = Path(file).name == "__init__.py"
    files = sorted(Path(file).parent.rglob("*.py")) if whole else [Path(file)]
    return hashlib.sha256(b"".join(hashlib.sha256(each.read_bytes()).digest() for each in files)).hexdigest()
