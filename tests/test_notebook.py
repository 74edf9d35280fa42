"""The example notebook runs cell by cell, outside pytest, and shows what is stored in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

NOTEBOOK = Path(__file__).parents[1] / "examples" / "notebook.ipynb"
CELLS = [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
RUNNER = """
import ast, json, sys
names = {"__name__": "__main__"}
for cell in json.load(sys.stdin):
    *body, last = ast.parse(cell).body
    shown = isinstance(last, ast.Expr) and not cell.rstrip().endswith(";")
    exec(compile(ast.Module(body if shown else [*body, last], []), "cell", "exec"), names)
    if shown and (value := eval(compile(ast.Expression(last.value), "cell", "eval"), names)) is not None:
        print(repr(value))
    print("---")
"""


def stored(cell: dict) -> str:
    """The text that a cell showed when the notebook was saved."""
    parts = [out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell["outputs"]]
    pairs = zip(parts, cell["outputs"], strict=True)
    return "".join("".join(part) for part, out in pairs if "image/png" not in out.get("data", {}))


def without_numbers(text: str) -> str:
    """The words alone: rounding differs between processors."""
    return re.sub(r"\d+\.\d+(e-\d+)?|\d+e-\d+", "#", text).strip()


def test_every_cell_runs_and_shows_what_is_stored(tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps(["".join(cell["source"]) for cell in CELLS]),
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(NOTEBOOK.parents[1]), "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout.split("---\n")[:-1]
    assert [without_numbers(text) for text in shown] == [without_numbers(stored(cell)) for cell in CELLS]
    assert re.findall("HOLDS|REFUTED", done.stdout) == ["HOLDS", "REFUTED", "REFUTED"]
    assert list(tmp_path.rglob("*.safetensors"))  # of `load` alone: `train` keeps nothing
    assert len(list(tmp_path.glob(".gen-core/store/*/*.safetensors"))) == len(list(tmp_path.rglob("*.safetensors")))


def test_the_notebook_was_run_from_top_to_bottom_and_has_a_picture():
    assert [cell["execution_count"] for cell in CELLS] == list(range(1, len(CELLS) + 1))
    outputs = [out for cell in CELLS for out in cell["outputs"]]
    assert not [out for out in outputs if out["output_type"] == "error" or out.get("name") == "stderr"]
    assert [out for out in outputs if out.get("data", {}).get("image/png")]
