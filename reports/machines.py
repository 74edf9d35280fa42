"""Machine-readable output of a run: all records in one JSON file, JUnit XML, a Markdown summary and a badge."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from gen_core.records import plain, standing, standing_counts, urgency

from .changes import COUNTED, KINDS, Change, kind_counts
from .escaping import visible_line
from .junit import junit
from .load import Loaded
from .templating import template_environment, write

LISTED = 100
"""Maximal number of cases, and of changes, that a summary lists; it counts the rest."""

COLOURS = {"bad": "#a4161a", "open": "#8a5300", "off": "#505860", "good": "#15643a"}
LETTER, PAD = 6.6, 10.0
"""Width of a badge's letter and of the space beside its texts, in pixels."""


def write_machine_files(
    loaded: Loaded, changes: Mapping[str, Change], folder: Path, drifting: Sequence[tuple[str, str]] = ()
) -> str:
    """Write `records.json` (described by `reports/records.schema.json`), `junit.xml`, `summary.md` and `badge.svg`.

    Args:
        loaded: the run.
        changes: node id -> its change since the runs before.
        folder: where the files go.
        drifting: (node id, the shift in words) of the cases that drift.

    Returns:
        The summary.

    Raises:
        OSError: if the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    markdown = summary(loaded, changes, drifting)
    texts = {
        "records.json": records(loaded),
        "junit.xml": junit(loaded, changes),
        "summary.md": markdown,
        "badge.svg": badge(loaded),
    }
    for name, text in texts.items():
        write(folder / name, text)
    return markdown


def records(loaded: Loaded) -> str:
    """The run and its cases as one JSON document; what is not finite is null."""
    return json.dumps(plain({"run": loaded.run, "cases": loaded.cases}), separators=(",", ":")) + "\n"


def summary(loaded: Loaded, changes: Mapping[str, Change], drifting: Sequence[tuple[str, str]] = ()) -> str:
    """A run in Markdown: counts, the cases that make it red, those that drift, and the changes."""
    attention = [case for case in sorted(loaded.cases, key=urgency) if standing(case).attention]
    told = {nodeid: change for nodeid, change in changes.items() if change.kind not in COUNTED}
    listed = sorted(told.items(), key=lambda item: (KINDS.index(item[1].kind), item[0]))
    template = template_environment().get_template("summary.md")
    return template.render(
        run=loaded.run,
        key=marker(loaded),
        headline=headline(loaded)[0],
        cases=len(loaded.cases),
        counts=standing_counts(loaded.cases).items(),
        attention=[(standing(case), case) for case in attention[:LISTED]],
        more=max(len(attention) - LISTED, 0),
        drifting=drifting[:LISTED],
        more_drifting=max(len(drifting) - LISTED, 0),
        changes=listed[:LISTED],
        more_changes=max(len(listed) - LISTED, 0),
        counted=[(kind, count) for kind, count in kind_counts(changes) if kind in COUNTED],
        problems=len(loaded.problems),
    )


def append_summary(file: Path, loaded: Loaded, text: str) -> None:
    """Append a run's summary to a file, unless the file has it already.

    Raises:
        OSError: if the file cannot be read or written to.
    """
    there = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    if marker(loaded) not in there:
        with file.open("a", encoding="utf-8", errors="replace") as out:
            out.write(text)


def marker(loaded: Loaded) -> str:
    """A marker that identifies the summary of this run."""
    return "gen-core run " + hashlib.sha256(loaded.run.run.encode("utf-8", "replace")).hexdigest()[:16]


def headline(loaded: Loaded) -> tuple[str, str]:
    """The result of a run in a few words, worst first, and the tone to show it in."""
    counts = standing_counts(loaded.cases).items()
    urgent = [(place, count) for place, count in counts if place.attention]
    if urgent:
        worst = "bad" if any(place.tone == "bad" for place, _ in urgent) else "open"
        return ", ".join(f"{count} {place.name}" for place, count in urgent), worst
    hold = sum(count for place, count in counts if place.name == "holds")
    return (f"{hold} hold", "good") if hold else ("none judged", "off")


def badge(loaded: Loaded) -> str:
    """An SVG badge with the result of a run."""
    message, tone = headline(loaded)
    left, right = (round(len(text) * LETTER + PAD, 1) for text in ("claims", message))
    return (
        template_environment()
        .get_template("badge.svg")
        .render(message=visible_line(message), left=left, right=right, pad=PAD, colour=COLOURS[tone])
    )
