"""Random kills: `python -m tests.kills` kills runs of claims at random moments, and checks what the next run finds.

Each run of some toy claims gets a SIGKILL at a random moment: one of its workers, the process with the terminal, or all
of them. Then the same run is started again on the same store. Its values must be, bit for bit, those of a run that
nobody disturbed; it must train nothing that was stored already, find nothing damaged, and leave no temporary file.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from gen_core.records import last_attempts

ROOT = Path(__file__).parents[1]
TARGETS = ("worker", "controller", "group")
CLAIMS = '''"""The loss is small.

Measured: the training loss."""
from toy import *

slow = replace(clean, data=Points(n=400, d=40), rule=GD(rate=0.01))

@claim(**{**TOY, "given": {f"{steps} steps": replace(slow, steps=steps) for steps in range(LEAST, LEAST + 12)},
          "without": {noiseless: replace(slow, data=Points(n=400, d=40, noise=100.0), steps=LEAST)}})
def test_fits(run):
    expect(loss(run), "loss").always_at_most(20)
'''


@dataclass
class Run:
    """One run of the claims, in a process group of its own."""

    folder: Path
    store: Path
    workers: int
    process: subprocess.Popen = field(init=False)

    def __post_init__(self) -> None:
        options = ["-p", "no:cacheprovider", "-p", "no:randomly", "-q", "-n", str(self.workers), "--max-seeds", "8"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, "--store", str(self.store), "--report-dir", str(self.report)],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @property
    def report(self) -> Path:
        return self.store.with_name(f"{self.store.name}-report")

    def end(self) -> str:
        """What the run has printed, once all of its processes are gone."""
        printed, _ = self.process.communicate()
        while members(self.process.pid):
            time.sleep(0.1)
        return printed

    def kill(self, target: str, drawn: random.Random) -> bool:
        """Kill a part of the run; False if it has ended already, or has no worker yet."""
        workers = [pid for pid in members(self.process.pid) if pid != self.process.pid]
        if self.process.poll() is not None or (target == "worker" and not workers):
            return False
        if target == "group":
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            os.kill(drawn.choice(workers) if target == "worker" else self.process.pid, signal.SIGKILL)
        return True

    def values(self) -> dict[str, list[float | None]]:
        """Case -> its values in the last run into this report folder."""
        records = max((self.report / "records").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return {case.nodeid: case.values for case in last_attempts(records)[0]}

    def trained(self) -> list[str]:
        """The keys that the last run into this report folder has trained."""
        records = max((self.report / "records").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        lines = [line for path in records.glob("trainings/*.jsonl") for line in path.read_text().splitlines()]
        return [json.loads(line)["key"] for line in lines]


def members(group: int) -> list[int]:
    """The processes of a group that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(of) == group and state != "Z":
            found.append(int(path.parent.name))
    return found


def stored(store: Path) -> set[str]:
    """The keys of the finished trainings in a store."""
    return {path.stem for path in store.glob("??/*.json")}


def kill_and_repeat(folder: Path, number: int, workers: int, whole: Run, took: float, drawn: random.Random) -> dict:
    """One kill and the run after it, as a row of the table."""
    target, killed, run = TARGETS[number % len(TARGETS)], False, None
    while not killed:  # else the moment came before the workers, or after the end of the run
        moment = drawn.uniform(0.2, 1) * took
        run = Run(folder, folder / f"store-{number}-{moment:.3f}", workers)
        time.sleep(moment)
        killed = run.kill(target, drawn)
        run.end()
    assert run is not None
    before = stored(run.store)
    again = Run(folder, run.store, workers)
    printed = again.end()
    values, expected = again.values(), whole.values()
    return {
        "kill": number + 1,
        "target": target,
        "after s": f"{moment:.1f}",
        "stored": len(before),
        "trained": len(again.trained()),
        "exit": again.process.returncode,
        "wrong": sum(values.get(case) != wanted for case, wanted in expected.items()),
        "retrained": sum(key in before for key in again.trained()),
        "damaged": printed.count("is damaged"),
        ".part": sum(1 for place in (run.store, run.report) for _ in place.rglob("*.part")),
    }


def summed(rows: list[dict]) -> tuple[str, int]:
    """The sums of the table in a line, and the exit status: 0 if nothing was lost."""
    sums = {name: sum(row[name] for row in rows) for name in ("wrong", "retrained", "damaged", ".part")}
    red = sum(row["exit"] != 0 for row in rows)
    words = f"{len(rows)} kills: {sums['wrong']} wrong values, {sums['retrained']} retrained, {sums['damaged']} damaged"
    return f"{words}, {sums['.part']} .part files left, {red} not green afterwards", int(any(sums.values()) or red > 0)


def main(arguments: list[str] | None = None) -> int:
    """Kill runs, print a line each, and the sums; the exit status is 0 if nothing was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--kills", type=int, default=20, metavar="N", help="number of runs to kill (default: 20)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of moments and targets (default: 0)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="workers of each run (default: 2)")
    least = "steps of the shortest training; more make the runs longer (default: 4000)"
    parser.add_argument("--steps", type=int, default=4000, metavar="N", help=least)
    options = parser.parse_args(arguments)
    drawn = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="kills-") as place:
        folder = Path(place)
        (folder / "toy.py").write_text((ROOT / "tests" / "toy.py").read_text())
        (folder / "test_claims.py").write_text(CLAIMS.replace("LEAST", str(options.steps)))
        (folder / "pytest.ini").write_text("[pytest]\n")
        began = time.monotonic()
        whole = Run(folder, folder / "whole", options.workers)
        printed = whole.end()
        took = time.monotonic() - began
        if whole.process.returncode:
            print(printed)
            return 2
        size = f"{len(stored(whole.store))} trainings, {len(whole.values())} cases"
        print(f"a run that nobody disturbs: {took:.1f} s, {size}", flush=True)
        rows = []
        for number in range(options.kills):
            rows.append(kill_and_repeat(folder, number, options.workers, whole, took, drawn))
            if number == 0:
                print("  ".join(name.rjust(10) for name in rows[0]))
            print("  ".join(str(value).rjust(10) for value in rows[-1].values()), flush=True)
    line, status = summed(rows)
    print(line)
    return status


if __name__ == "__main__":
    sys.exit(main())
