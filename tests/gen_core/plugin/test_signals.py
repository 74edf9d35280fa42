"""A run that is told to end, ends with its records, its history and its report, and its workers end too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SLOW = """
@claim(**TOY)
def test_first(run):
    expect(loss(run), "loss").at_most(2)

@claim(**TOY)
def test_slow(run):
    import time
    open(f"at-{os.getpid()}", "w").close()
    time.sleep(120)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_as_an_interrupt_does(suite, workers, number):
    suite.claims(SLOW)
    place = suite.pytester.path
    options = ["-p", "no:cacheprovider", "-p", "no:randomly", "-p", "reports.plugin", "--history", "h", "-n", workers]
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, "-k", "given"],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    while not (at := list(place.glob("at-*"))) or not list(place.glob("report/records/*/attempts/*.json")):
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(number)
    process.send_signal(number)  # as `timeout` does
    out, _ = process.communicate(timeout=100)
    assert process.returncode == 2, out
    assert suite.record.exit_status == 2
    verdicts = {name: case.verdict for name, case in suite.cases.items()}
    assert verdicts == {"test_first[given]": "HOLDS", "test_slow[given]": None}
    assert "NOT REACHED  slow[given]" in out
    assert out.splitlines()[-1].endswith("report/index.html")
    assert (place / "h").stat().st_size > 0
    assert not [pid for path in at if alive(pid := int(path.name[3:]))]
