"""Comparison of two runs: cases that are new, gone, fixed, broken, changed, drifted or slower, as text and page."""

from __future__ import annotations

from pathlib import Path

from . import history
from .changes import COUNTED, KINDS, Change, changes, gone, kind_counts
from .escaping import visible_line
from .load import BadRecords, Loaded, load_run
from .templating import template_environment, write


def two_runs(first: str, second: str, kept: Path) -> tuple[Loaded, Loaded]:
    """The two runs given by their names.

    Args:
        first: a folder of records; or the id of a run in the history, or how it begins; or `latest`; or `previous`, the
            last run before the other one at its scale that came to its end.
        second: the same.
        kept: the file of the history.

    Raises:
        BadRecords: if a folder is no run's, both names are `previous`, or the runs are at different scales.
        BadHistory: if the history cannot be used or has no such run.
    """
    if first == second == "previous":
        raise BadRecords("previous and previous; expected another run beside it, such as latest")
    if first == "previous":
        two = _run(second, kept)
        one = _previous(two, kept)
    else:
        one = _run(first, kept)
        two = _previous(one, kept) if second == "previous" else _run(second, kept)
    if one.run.scale != two.run.scale:
        raise BadRecords(f"runs at the scales {one.run.scale} and {two.run.scale}; expected two of one scale")
    return one, two


def compare(before: Loaded, now: Loaded) -> dict[str, Change]:
    """Node id -> change, grouped in the order of `KINDS`."""
    found = changes([before], now) | gone(before, now)
    return dict(sorted(found.items(), key=lambda item: (KINDS.index(item[1].kind), item[0])))


def text(before: Loaded, now: Loaded, found: dict[str, Change]) -> str:
    """The changes of a run as lines for a terminal, a summary last."""
    lines = [f"from {run_line(before)}", f"to   {run_line(now)}"]
    for kind in KINDS:
        group = {nodeid: change for nodeid, change in found.items() if change.kind == kind}
        if group:
            lines += ["", f"{kind} ({len(group)})"]
        if kind not in COUNTED:
            lines += [
                f"    {visible_line(nodeid)}\n        {visible_line(change.text)}" for nodeid, change in group.items()
            ]
    return "\n".join([*lines, "", changes_line(now, found)])


def changes_line(now: Loaded, found: dict[str, Change]) -> str:
    """The number of cases with each kind of change."""
    counted = ", ".join(f"{count} {kind}" for kind, count in kind_counts(found))
    return f"{counted or 'no change'}, of {len(now.cases)} cases"


def run_line(loaded: Loaded) -> str:
    """A run in one line."""
    run = loaded.run
    versions = [f"{name} {run.environment[name]}" for name in ("torch", "revision") if name in run.environment]
    return visible_line(
        ", ".join([f"{run.run}: {len(loaded.cases)} cases, {run.scale}", f"seeds from {run.seeds_from}", *versions])
    )


def write_diff(before: Loaded, now: Loaded, found: dict[str, Change], output: Path) -> Path:
    """Write the changes as a page, atomically.

    Args:
        before: the earlier run.
        now: the later one.
        found: node id -> change.
        output: the page, where its name ends in .html, else the folder that `diff.html` goes into.

    Raises:
        OSError: if it cannot be written.
    """
    page = output if output.suffix == ".html" else output / "diff.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    groups = {k: [(n, c) for n, c in found.items() if c.kind == k] for k in KINDS}
    titles = {case.nodeid: case.title for loaded in (before, now) for case in loaded.cases}
    template = template_environment().get_template("diff.html")
    write(
        page,
        template.render(
            before=before, now=now, groups=groups, titles=titles, counted=COUNTED, summary=changes_line(now, found)
        ),
    )
    return page


def _run(name: str, kept: Path) -> Loaded:
    if name != "latest":
        return load_run(Path(name)) if Path(name).is_dir() else history.find(kept, name)
    runs = history.latest(kept, 1)
    if not runs:
        raise history.BadHistory(f"{kept}: holds no run; expected one, for 'latest'")
    return runs[-1]


def _previous(of: Loaded, kept: Path) -> Loaded:
    ended = [loaded for loaded in history.before(kept, of.run) if loaded.run.exit_status in (0, 1)]
    if not ended:
        raise history.BadHistory(f"{kept}: holds no run at scale {of.run.scale} before {of.run.run}, for 'previous'")
    return ended[-1]
