"""The result table: papers by what came out of their statements, as Markdown, for a README."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from .load import BadRecords, Loaded
from .rows import claims_of
from .templating import write
from .theory import PaperMap, theory_map
from .wording import cell

BEGIN, END = "<!-- results: made by `python -m reports table`, not by hand -->", "<!-- end of results -->"
COLUMNS = ("holds", "not reproduced", "not coded", "not testable")


def result_table(loaded: Loaded) -> str:
    """A row a paper with a list of statements, and their sum: how many statements hold, and so on.

    A statement has the worst of its cases, controls among them; the column "other" counts those that are neither of the
    named: refuted, undecided, not run.
    """
    papers = [paper for paper in theory_map(loaded, claims_of(loaded.cases, {})) if paper.listed]
    rows = [(paper.reference, _counts(paper)) for paper in papers]
    total = sum((counts for _, counts in rows), Counter())
    names = ("statements", *COLUMNS, "other")
    lines = [f"| paper | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    for reference, counts in [*rows, ("**all**", total)]:
        name = reference if reference == "**all**" else cell(reference)
        lines.append(f"| {name} | {' | '.join(str(counts[column]) for column in names)} |")
    run = loaded.run
    return "\n".join([*lines, "", f"At the {run.scale} scale, with seeds from {run.seeds_from}."])


def put_table(text: str, path: Path) -> Path:
    """Replace what stands between the two marks in a file.

    Raises:
        BadRecords: if the file cannot be read, or has not each mark once, in their order.
    """
    try:
        old = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadRecords(f"{path}: cannot be read ({error}); expected a Markdown file") from error
    before, found, rest = old.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended) or BEGIN in rest or END in after:
        raise BadRecords(f"{path}: no place for the table; expected the lines {BEGIN} and {END}")
    write(path, f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
    return path


def _counts(paper: PaperMap) -> Counter[str]:
    counts = Counter(tile.standing.name for tile in paper.tiles)
    named = Counter({name: counts[name] for name in COLUMNS})
    return named + Counter(statements=len(paper.tiles), other=len(paper.tiles) - named.total())
