"""The built wheel alone, outside this repository, runs a claim of one's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from gen_core.records import last_attempts

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CLAIM = README.split("```python\n")[2].partition("```")[0]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of a fresh environment that holds the wheel, and borrows everything else."""
    pytest.importorskip("setuptools", "77")
    source, home = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "gen_core", source / "gen_core", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(home), str(source)]
    subprocess.run(build, check=True, capture_output=True, text=True)

    venv.create(home / "venv", with_pip=False)
    python = str(home / "venv" / "bin" / "python")
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout.strip())
    (wheel,) = home.glob("gen_core-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_a_ten_line_claim_of_ones_own_runs_on_the_wheel_alone(python, tmp_path):
    assert len([line for line in CLAIM.splitlines() if line and not line.startswith(("from", "import"))]) <= 10
    (tmp_path / "test_mine.py").write_text(CLAIM)

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            [python, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False, env=alone
        )

    where = call("-c", "import gen_core; print(gen_core.__file__)").stdout
    assert where.startswith(str(Path(python).parents[1]))

    result = call("-m", "pytest", "-v", "-p", "no:randomly")
    assert result.returncode == 0, result.stdout
    assert "test_descent_fits_random_labels[given] HOLDS" in result.stdout
    assert "test_descent_fits_random_labels[without-few_points] CONTROL REFUTED" in result.stdout
    last = result.stdout.splitlines()[-1]
    assert last.startswith("records: ")
    records, _ = last_attempts(Path(last.removeprefix("records: ")))
    assert {(record.case, record.verdict) for record in records} == {
        ("given", "HOLDS"),
        ("without-few_points", "REFUTED"),
    }
