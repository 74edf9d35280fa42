import errno
import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from gen_core import GD, Data, Experiment, Linear, Square
from gen_core.lab import Block, Store
from gen_core.records.seal import sealed
from gen_core.training import device
from gen_core.training.result import TrainingResult

ROOT = Path(__file__).parents[3]
KEY = "ab" + 62 * "0"
OTHER = "cd" + 62 * "1"
RESULT = TrainingResult({"final.w": torch.arange(6.0).view(2, 3), "step": torch.tensor([4, 9])}, ("loss", "steps"))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def files(store):
    return sorted(p.name for p in store.root.rglob("*.*") if p.suffix != ".lock" and p.name != ".gitignore")


def test_what_is_saved_is_loaded(store):
    assert store.load(KEY) is None
    assert not store.has(KEY)
    transposed = TrainingResult({"a": torch.arange(6.0).view(2, 3).mT}, ("steps",) * 3)
    store.save(KEY, RESULT, {"seconds": 1.5})
    store.save(OTHER, transposed, {})
    found = store.load(KEY)
    assert found.stopped_by == RESULT.stopped_by
    assert found.arrays.keys() == RESULT.arrays.keys()
    assert all(torch.equal(found.arrays[name], RESULT.arrays[name]) for name in found.arrays)
    assert torch.equal(store.load(OTHER).arrays["a"], transposed.arrays["a"])
    assert json.loads((store.root / "ab" / f"{KEY}.json").read_text())["seconds"] == 1.5
    assert len(files(store)) == 4
    assert not store.notes


DAMAGES = {
    "truncated arrays": lambda arrays, note: arrays.write_bytes(arrays.read_bytes()[:-5]),
    "empty arrays": lambda arrays, note: arrays.write_bytes(b""),
    "a flipped bit": lambda arrays, note: arrays.write_bytes(arrays.read_bytes()[:-1] + b"\x01"),
    "missing arrays": lambda arrays, note: arrays.unlink(),
    "garbage JSON": lambda arrays, note: note.write_text("{nonsense"),
    "not text": lambda arrays, note: note.write_bytes(b"\xff\xfe\x00"),
    "empty JSON": lambda arrays, note: note.write_text(""),
    "a list": lambda arrays, note: note.write_text("[1, 2]"),
    "without digest": lambda arrays, note: note.write_text(json.dumps({"key": KEY, "stopped_by": []})),
    "a changed note": lambda arrays, note: note.write_text(note.read_text().replace('"loss"', '"accuracy"')),
    "a deep note": lambda arrays, note: note.write_text("[" * 200_000),
    "a foreign header": lambda arrays, note: forge(arrays, note, b"\xff" * 64),
    "a folder in place of arrays": lambda arrays, note: (arrays.unlink(), arrays.mkdir()),
    "another type": lambda arrays, note: forge(arrays, note, save({"final.w": torch.zeros(2, 3, dtype=torch.int8)})),
    "fewer seeds": lambda arrays, note: forge(arrays, note, save({"final.w": torch.zeros(1, 3)}), drop=True),
}


def forge(arrays: Path, note: Path, content: bytes, drop: bool = False) -> None:
    """Other arrays with a note that has their digest; with `drop` one of before notes had types, shapes and a seal."""
    arrays.write_bytes(content)
    entry = json.loads(note.read_text()) | {"sha256": hashlib.sha256(content).hexdigest()}
    note.write_text(json.dumps({k: v for k, v in entry.items() if k != "arrays"} if drop else sealed(entry)))
    if drop:
        note.write_text(json.dumps({k: v for k, v in json.loads(note.read_text()).items() if k != "digest"}))


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_entry_is_named_removed_and_made_again(store, damage):
    store.save(KEY, RESULT, {})
    damage(store.root / "ab" / f"{KEY}.safetensors", store.root / "ab" / f"{KEY}.json")
    assert store.has(KEY)
    assert store.load(KEY) is None
    [line] = store.notes
    assert line.startswith("store entry ab0000000000 is damaged (")
    assert line.endswith("); it is trained again")
    assert not store.has(KEY)
    assert files(store) == []
    store.save(KEY, RESULT, {})
    assert torch.equal(store.load(KEY).arrays["step"], RESULT.arrays["step"])


def test_the_entry_of_another_key_is_damaged(store):
    store.save(OTHER, RESULT, {})
    (store.root / "ab").mkdir()
    for kind in ("safetensors", "json"):
        os.replace(store.root / "cd" / f"{OTHER}.{kind}", store.root / "ab" / f"{KEY}.{kind}")
    assert store.load(KEY) is None
    assert store.notes == [
        "store entry ab0000000000 is damaged (ValueError: it holds the entry cd1111111111); it is trained again"
    ]


def test_arrays_without_a_note_are_no_entry(store):
    store.save(KEY, RESULT, {})
    (store.root / "ab" / f"{KEY}.json").unlink()
    assert not store.has(KEY)
    assert store.load(KEY) is None
    assert not store.notes


def test_a_damaged_entry_that_another_process_makes_again_is_not_removed(store):
    """Who reads the damage waits for the lock, and then finds what its holder has made."""
    store.save(KEY, RESULT, {})
    note = store.root / "ab" / f"{KEY}.json"
    note.write_text("{nonsense")
    found: list[TrainingResult | None] = []
    reader = threading.Thread(target=lambda: found.append(store.load(KEY)))
    with Store(store.root).locked([KEY], wait=True):
        reader.start()
        reader.join(0.3)
        assert reader.is_alive()
        Store(store.root).save(KEY, RESULT, {})
    reader.join()
    assert found[0] is not None
    assert not store.notes


KILLED = """
import os, signal, sys
from pathlib import Path
from gen_core.lab import store
from test_store import KEY, RESULT
point = sys.argv[2]

def kill(*args, **more):
    os.kill(os.getpid(), signal.SIGKILL)

def half(arrays, path):
    path.write_bytes(b"half of it")
    kill()

calls = []
def replace(source, target, real=os.replace):
    calls.append(target)
    if point == f"before rename {len(calls)}":
        kill()
    real(source, target)

if point == "while writing arrays":
    store.save_file = half
if point == "while writing the note":
    store.json.dumps = kill
store.os.replace = replace
made = store.Store(Path(sys.argv[1]))
with made.locked([KEY], wait=True):
    made.save(KEY, RESULT, {})
    kill()
"""


def killed(root, point):
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{Path(__file__).parent}"}
    done = subprocess.run([sys.executable, "-c", KILLED, str(root), point], env=environment, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


POINTS = ("while writing arrays", "before rename 1", "while writing the note", "before rename 2")


def test_a_process_killed_while_it_saves_leaves_no_entry_no_lock_and_no_litter_for_long(store):
    for point in POINTS:
        killed(store.root, point)
        assert not store.has(KEY)
        assert store.load(KEY) is None
        assert not store.notes
    assert sum(name.endswith(".part") for name in files(store)) == 1  # each save clears what the kill before it left
    with store.locked([KEY], wait=False) as held:
        assert held
        store.save(KEY, RESULT, {})
    assert files(store) == [f"{KEY}.json", f"{KEY}.safetensors"]
    assert store.load(KEY) is not None


def test_a_process_killed_after_it_saved_leaves_the_entry_and_a_free_lock(store):
    killed(store.root, "after all")
    with store.locked([KEY], wait=False) as held:
        assert held
    assert store.load(KEY).stopped_by == RESULT.stopped_by


def test_locks_are_held_all_or_none(store):
    other = Store(store.root)
    with store.locked(["b", "a", "b"], wait=True) as first:
        assert first
        with other.locked(["0", "b"], wait=False) as second:
            assert not second
        with other.locked(["0", "c"], wait=False) as third:
            assert third
    with other.locked(["a", "b"], wait=False) as fourth:
        assert fourth


@dataclass(frozen=True)
class FromFile:
    path: str
    n: int = 4
    inputs: tuple[int, ...] = (2,)

    def source(self) -> str:
        return Path(self.path).read_text()

    def draw(self, generator: torch.Generator) -> Data:
        raise NotImplementedError


def test_keys_follow_seeds_files_torch_device_and_threads(tmp_path, monkeypatch):
    device.fix_numerics()
    path = tmp_path / "data"
    path.write_text("one")
    experiment = Experiment(data=FromFile(str(path)), model=Linear(), rule=GD(0.1), loss=Square(), steps=2)
    first = Block(experiment, (0, 1)).key
    others = [Block(experiment, (0, 2)).key, Block(experiment, (0, 1), "cuda").key]
    path.write_text("two")
    others.append(Block(experiment, (0, 1)).key)
    path.write_text("one")
    assert Block(experiment, (0, 1)).key == first
    torch.set_num_threads(2)
    others.append(Block(experiment, (0, 1)).key)
    device.fix_numerics()
    monkeypatch.setattr(torch, "__version__", "9.9")
    others.append(Block(experiment, (0, 1)).key)
    assert len({first, *others}) == 6


def test_an_entry_of_before_notes_had_a_seal_is_read(store):
    store.save(KEY, RESULT, {})
    note = store.root / "ab" / f"{KEY}.json"
    old = {name: value for name, value in json.loads(note.read_text()).items() if name not in ("digest", "arrays")}
    note.write_text(json.dumps(old))
    assert torch.equal(store.load(KEY).arrays["step"], RESULT.arrays["step"])
    assert not store.notes


def test_what_was_not_used_for_some_days_is_pruned_with_its_lock(store):
    for key in (KEY, OTHER):
        with store.locked([key], wait=True):
            store.save(key, RESULT, {})
    left = store.root / "ab" / f"{KEY}.123.part"
    left.write_text("left by a kill")
    old = time.time() - 3 * 24 * 3600
    for path in (p for p in store.root.rglob("*") if p.is_file()):
        os.utime(path, (old, old))
    store.load(OTHER)  # used again
    assert store.prune(4).startswith("store: 0 results removed that were not used for 4 days")
    assert store.has(KEY)
    with Store(store.root).locked([KEY], wait=True):
        assert store.prune(2).startswith("store: 0 results")  # another process is at it
    for path in (store.root / "locks").iterdir():
        os.utime(path, (old, old))
    assert store.prune(2).startswith("store: 1 results removed that were not used for 2 days, 0.0 MiB")
    assert sorted(p.name for p in store.root.glob("*/*.*")) == sorted(
        f"{OTHER}.{kind}" for kind in ("json", "lock", "safetensors")
    )
    assert store.load(OTHER) is not None


def test_without_file_locks_one_note_is_made_and_keys_are_held_all_the_same(store, monkeypatch):
    def none(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", none)
    for key in (KEY, OTHER):
        with store.locked([key], wait=True) as held:
            assert held
            with Store(store.root).locked([key], wait=False) as twice:
                assert not twice
            store.save(key, RESULT, {})
    assert store.load(KEY) is not None
    assert store.notes == [f"warning: --store {store.root} has no file locks; lock files are used in their place"]
