"""The folder between pytest and an engine."""

from __future__ import annotations

import os
import time

from gen_core.engines import folder as module
from gen_core.engines.folder import EngineFolder, Unit


def unit(key, payload=b""):
    return Unit((key,), (), 1.0, f"what {key} is", ("/a",), "", False, payload)


def test_each_reader_gets_each_unit_once_in_order(tmp_path):
    one, other = EngineFolder(tmp_path / "engine"), EngineFolder(tmp_path / "engine")
    one.create()
    one.put(unit("b"), 2, "b")
    one.put(unit("a"), 1, "a")
    assert [each for _, each in one.new_units()] == [unit("a"), unit("b")]
    assert one.new_units() == []
    other.put(unit("c", b"recipes\nof c"), 0, "c")
    ((name, last),) = one.new_units()
    assert last == unit("c")
    assert one.whole(name, last) == unit("c", b"recipes\nof c")
    assert [each.keys for _, each in other.new_units()] == [("c",), ("a",), ("b",)]


def test_a_folder_that_stays_as_it_is_is_listed_no_more(tmp_path, monkeypatch):
    one = EngineFolder(tmp_path / "engine")
    one.create()
    one.put(unit("a"), 1, "a")
    long_ago = time.time() - 10 * module.SETTLED
    os.utime(one.root / "units", (long_ago, long_ago))
    assert len(one.new_units()) == 1
    with monkeypatch.context() as patched:
        patched.setattr(module.os, "listdir", None)
        assert one.new_units() == []
    one.put(unit("b"), 2, "b")
    assert [each for _, each in one.new_units()] == [unit("b")]


def test_a_unit_of_the_same_instant_as_the_last_listing_is_found(tmp_path):
    one = EngineFolder(tmp_path / "engine")
    one.create()
    assert one.new_units() == []
    changed = (one.root / "units").stat().st_mtime_ns
    one.put(unit("a"), 1, "a")
    os.utime(one.root / "units", ns=(changed, changed))  # as where clocks tick slowly
    assert [each for _, each in one.new_units()] == [unit("a")]
