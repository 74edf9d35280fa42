"""The wheel, built and installed in an environment of its own, for tests that run it in folders that are not ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from gen_core.records import CaseRecord, last_attempts

ROOT = Path(__file__).parents[2]
THEIRS = Path(__file__).parent / "theirs"


@dataclass(frozen=True)
class Foreign:
    """A folder outside of this repository, and the interpreter of an environment in which the wheel is installed.

    Attributes:
        python: the interpreter. All packages but gen-core are borrowed from the one that runs the tests.
        folder: an empty folder of the test's own.
    """

    python: Path
    folder: Path

    def call(
        self, *arguments: str, within: str = ".", hidden: tuple[str, ...] = (), typed: str | None = None
    ) -> subprocess.CompletedProcess:
        """Run Python in the folder or in a folder within it, as if the hidden packages were not installed.

        What is `typed` is its standard input.
        """
        alone = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHONPATH", "GITHUB_", "PYTEST_"))
        }
        if hidden:
            stubs = self.folder.parent / f"{self.folder.name}-hidden"
            stubs.mkdir(exist_ok=True)
            for name in hidden:
                (stubs / f"{name}.py").write_text(f"raise ModuleNotFoundError('No module', name={name!r})\n")
            alone["PYTHONPATH"] = str(stubs)
        return subprocess.run(
            [self.python, *arguments],
            cwd=self.folder / within,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            env=alone,
            timeout=900,
        )

    def holds(self, *names: str) -> None:
        """Copy files and folders of `theirs` into the folder; a file becomes test_<name>.py."""
        for name in names:
            if (THEIRS / name).is_dir():
                shutil.copytree(THEIRS / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(THEIRS / f"{name}.py", self.folder / f"test_{name}.py")

    def cases(self) -> list[CaseRecord]:
        """The cases of the last run."""
        folder = max((self.folder / "report" / "records").iterdir(), key=lambda path: path.stat().st_mtime)
        found, problems = last_attempts(folder)
        assert not problems
        return found

    def records(self) -> dict[str, CaseRecord]:
        """The cases of the last run, by the name of their test and case."""
        return {record.nodeid.partition("::")[2]: record for record in self.cases()}

    def pytest(self, *arguments: str, within: str = ".", hidden: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
        """Run pytest there."""
        return self.call("-m", "pytest", "-p", "no:randomly", *arguments, within=within, hidden=hidden)


@pytest.fixture(scope="session")
def wheel_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of the environment, which is made once for all workers of a run."""
    pytest.importorskip("setuptools", "77")
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    home = shared / "wheel"
    with FileLock(shared / "wheel.lock"):
        if not (home / "ready").exists():
            shutil.rmtree(home, ignore_errors=True)
            _make(home)
            (home / "ready").touch()
    return home / "venv" / "bin" / "python"


@pytest.fixture
def foreign(wheel_python: Path, tmp_path: Path) -> Foreign:
    """A folder of one's own, beside which the wheel is installed."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    return Foreign(wheel_python, folder)


def _make(home: Path) -> None:
    """Build the wheel from copies, and unpack it into a fresh environment."""
    source = home / "source"
    for name in ("gen_core", "reports"):
        ignored = shutil.ignore_patterns("__pycache__", "*.sqlite*")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(home), str(source)]
    subprocess.run(build, check=True, capture_output=True, text=True)

    venv.create(home / "venv", with_pip=False)
    ask = [str(home / "venv" / "bin" / "python"), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip())
    (wheel,) = home.glob("gen_core-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
