"""What is opened, started and loaded is heard, whoever does it, but not what gen_core opens for others."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from gen_core.code.listening import is_as_loaded, opened_outside
from gen_core.lab import Lab, Store
from tests.toy import clean

WAYS = {
    "open": lambda path: open(path).close(),
    "path": lambda path: path.read_text(),
    "system": lambda path: os.open(path, os.O_RDONLY),
    "library": lambda path: np.loadtxt(path),
    "listing": lambda path: os.listdir(path.parent),
    "glob": lambda path: [*path.parent.glob("*")],
    "process": lambda path: subprocess.run([sys.executable, "-c", ""], check=True),
    "database": lambda path: sqlite3.connect(path.with_name("x.db")).close(),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_taken_from_outside_is_heard(way, tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("1.0")
    with opened_outside() as outer:
        with opened_outside() as heard:
            WAYS[way](path)
        assert heard
    assert outer == heard
    WAYS[way](path)
    assert outer == heard


def test_computing_importing_and_what_the_library_opens_itself_is_not(tmp_path):
    (tmp_path / "module_that_is_new.py").write_text("K = 1\n")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\nfrom gen_core.code.listening import opened_outside\n"
        "with opened_outside() as heard:\n    import module_that_is_new, scipy.stats\nprint(heard)"
    )
    assert subprocess.check_output([sys.executable, "-c", code, str(tmp_path)], text=True) == "[]\n"
    with opened_outside() as heard:
        Lab(Store(tmp_path / "store"), torch.device("cpu")).run(clean, 2)
    assert heard == []


def test_a_file_is_as_loaded_until_it_is_edited(tmp_path, monkeypatch):
    path = tmp_path / "module_of_this_test.py"
    path.write_text("K = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    __import__("module_of_this_test")
    assert is_as_loaded(path)
    path.write_text("K = 2\n")
    assert not is_as_loaded(path)
    assert is_as_loaded(Path(os.__file__))  # loaded before anything listened
