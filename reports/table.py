"""The result table: papers by what came out of their statements, as Markdown, for a README."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from .load import BadRecords, Loaded
from .rows import claims_of
from .templating import write
from .theory import NOT_SELECTED, PaperMap, theory_map
from .wording import cell, plural

BEGIN, END = "<!-- results: made by `python -m reports table`, not by hand -->", "<!-- end of results -->"
COLUMNS = ("holds", "not reproduced", "not coded", "not testable")


def result_table(loaded: Loaded) -> str:
    """A row a paper with a list of statements, and their sum: how many statements hold, and so on.

    A statement has the worst of its cases, controls among them; the column "other" counts those that are neither of the
    named: refuted, undecided, not run. The last line says how many statements the run left out, if any.
    """
    papers = _papers(loaded)
    rows = [(paper.reference, _counts(paper)) for paper in papers]
    total = sum((counts for _, counts in rows), Counter())
    names = ("statements", *COLUMNS, "other")
    lines = [f"| paper | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    for reference, counts in [*rows, ("**all**", total)]:
        name = reference if reference == "**all**" else cell(reference)
        lines.append(f"| {name} | {' | '.join(str(counts[column]) for column in names)} |")
    run, without = loaded.run, left_out(papers)
    return "\n".join(
        [*lines, "", f"At the {run.scale} scale, with seeds from {run.seeds_from}.", *[without] * bool(without)]
    )


def left_out(papers: list[PaperMap]) -> str:
    """How many statements a run may have claims of and has left out, in words; empty if none."""
    count = sum(tile.standing == NOT_SELECTED for paper in papers for tile in paper.tiles)
    return f"{plural(count, 'statement')} not in this run." if count else ""


def put_table(loaded: Loaded, path: Path) -> Path:
    """Replace what stands between the two marks in a file by a run's table.

    Raises:
        BadRecords: if the run is of a part of the claims, or if the file cannot be read or has not each mark once, in
            their order.
    """
    if without := left_out(_papers(loaded)):
        raise BadRecords(f"{path}: {without.rstrip('.')}; expected a run of all claims")
    try:
        old = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadRecords(f"{path}: cannot be read ({error}); expected a Markdown file") from error
    before, found, rest = old.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended) or BEGIN in rest or END in after:
        raise BadRecords(f"{path}: no place for the table; expected the lines {BEGIN} and {END}")
    write(path, f"{before}{BEGIN}\n\n{result_table(loaded)}\n\n{END}{after}")
    return path


def _papers(loaded: Loaded) -> list[PaperMap]:
    return [paper for paper in theory_map(loaded, claims_of(loaded.cases, {})) if paper.listed]


def _counts(paper: PaperMap) -> Counter[str]:
    counts = Counter(tile.standing.name for tile in paper.tiles)
    named = Counter({name: counts[name] for name in COLUMNS})
    return named + Counter(statements=len(paper.tiles), other=len(paper.tiles) - named.total())
