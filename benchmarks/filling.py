"""What several processes of `--train-only` on one store take beside one, and how many blocks they train twice.

    python -m benchmarks.filling

The ideal is what one process takes, over as many processors as the machine has, or processes if these are fewer; with
start and collection left out, which each process does for itself. Processor time has them in it.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CLAIMS = '''"""The loss is small.

Measured: the training loss."""
from toy import *

SLOW = replace(TOY["given"], steps={steps})
RATES = {{f"rate {{i}}": replace(SLOW, rule=GD(rate=0.1 + i / 1000)) for i in range({settings})}}

@claim(**TOY | {{"given": RATES}})
def test_small(run):
    expect(loss(run), "loss").at_most(2)
'''
DONE = re.compile(r"^trained (\d+) blocks here in (\d+) s; nothing is missing", re.MULTILINE)


@dataclass(frozen=True)
class Filled:
    """What processes took: blocks that they have trained, and that are stored; seconds, and those of processors."""

    trained: int
    stored: int
    seconds: int
    processors: float


def fill(papers: Path, processes: int) -> Filled:
    """Have so many processes train all that the claims need, into a store of their own."""
    store = papers / f"store-{processes}"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "claims",
        "--train-only",
        "--store",
        str(store),
        "-p",
        "no:cacheprovider",
    ]
    own = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = [
        subprocess.Popen(command, cwd=papers, env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(processes)
    ]
    printed = [process.communicate()[0] for process in started]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    ends = [DONE.search(text) for text in printed]
    told = [(int(end[1]), int(end[2])) for end in ends if end is not None]
    if len(told) < processes:
        raise SystemExit("\n".join(printed))
    processor = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    stored = len(list(store.glob("??/*.json")))
    return Filled(sum(blocks for blocks, _ in told), stored, max(seconds for _, seconds in told), processor)


def main() -> None:
    """Measure one process, then others."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--processes", type=int, nargs="+", default=[2, 4], help="numbers of processes (default: 2 4)")
    parser.add_argument("--settings", type=int, default=32, help="settings, of two blocks each (default: 32)")
    parser.add_argument("--steps", type=int, default=30_000, help="steps of each training (default: 30000)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gen-core-") as folder:
        papers = Path(folder)
        shutil.copy(ROOT / "tests/toy.py", papers)
        (papers / "pytest.ini").write_text("[pytest]\npythonpath = .\n", encoding="utf-8")
        (papers / "claims").mkdir()
        claims = CLAIMS.format(steps=chosen.steps, settings=chosen.settings)
        (papers / "claims/test_toy.py").write_text(claims, encoding="utf-8")
        alone = fill(papers, 1)
        for processes in (1, *chosen.processes):
            found = alone if processes == 1 else fill(papers, processes)
            ideal = alone.seconds / min(processes, len(os.sched_getaffinity(0)))
            print(
                f"{processes} processes: {found.stored} blocks in {found.seconds} s, "
                f"{found.seconds / max(ideal, 1):.2f} of the ideal, {found.processors:.0f} s of processors; "
                f"{found.trained - found.stored} trained twice",
                flush=True,
            )


if __name__ == "__main__":
    main()
