"""`python -m reports` on folders that no run has written: a line within seconds, and nothing outside of its output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gen_core.records import Curve, Figure, Panel, plain, write_json
from reports.render import SIBLINGS
from reports.rows import page_name

ROOT = Path(__file__).parents[2]


def report(records: Path, out: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "reports", str(records), "-o", str(out)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)


def nested(levels: int) -> dict:
    value: dict = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def test_what_is_no_record_is_named_and_left_out(records: Path, tmp_path: Path, case, cases) -> None:
    attempts = records / "attempts"
    (attempts / "8001.json").symlink_to(tmp_path / "nowhere")
    (attempts / "8002.json").symlink_to("/dev/zero")
    os.mkfifo(attempts / "8003.json")
    (attempts / "8004.json").mkdir()
    deep = plain(case("deep", "x", verdict="HOLDS")) | {"recipes": nested(900)}
    (attempts / "8005.json").write_text(json.dumps(deep), encoding="utf-8")
    (attempts / "8006.json").write_text('{"year": ' + "1" * 5000 + "}", encoding="utf-8")
    write_json(attempts / "8007.json", case("long", "x", verdict="ERROR", values=[1.0] * 100_000))
    panels = [Panel(xlabel="x", ylabel="y", curves=[Curve(x=[1.0], y=[1.0])])] * 300
    write_json(attempts / "8008.json", case("wide", "x", verdict="ERROR", figure=Figure(title="t", panels=panels)))
    with (attempts / "8009.json").open("wb") as file:
        file.truncate(2**30)
    (attempts / "\x1b]0;title\x07.json").write_text("{", encoding="utf-8")
    done = report(records, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 10
    for number in range(1, 10):
        (line,) = [line for line in lines if f"800{number}.json" in line]
        assert line.startswith("reports: left out: ")
    assert "\x1b" not in done.stderr
    assert "\\x1b]0;title\\x07.json" in done.stderr
    assert len(list((tmp_path / "out" / "claims").iterdir())) == len(cases)


@pytest.mark.parametrize("folder", ["claims", "figures"])
def test_a_folder_of_the_output_that_is_a_link_is_refused(records: Path, tmp_path: Path, folder: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    old = elsewhere / f"old-{'0' * 12}.html"
    old.write_text("not ours")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / folder).symlink_to(elsewhere)
    done = report(records, tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"{folder} is a link; expected a folder" in done.stderr
    assert [path.name for path in elsewhere.iterdir()] == [old.name]


def test_a_page_lists_some_of_many_siblings_and_links_to_the_rest(records: Path, tmp_path: Path, case) -> None:
    many = [case("many", f"setting {i:03}", verdict="NOT RUN") for i in range(SIBLINGS + 60)]
    write_json(records / "cases.json", many)
    assert report(records, tmp_path / "out").returncode == 0
    for one in (many[0], many[-1]):
        page = (tmp_path / "out" / "claims" / page_name(one.nodeid)).read_text(encoding="utf-8")
        shown = sum(page_name(other.nodeid) in page for other in many if other is not one)
        assert shown in (SIBLINGS - 1, SIBLINGS)
        assert f"{60 if one is many[0] else 59} more are in" in page
        assert 'class="here"' in page
