"""What happens where memory does not suffice: fewer rows at a time, and at last a message."""

import gc
import weakref
from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import GD, MLP, SGD, Data, Experiment, Linear, Logistic, Square, Unfinished
from gen_core.training import trainer
from gen_core.training.batch import Batch
from gen_core.training.cost import cost
from gen_core.training.result import concatenate
from gen_core.training.trainer import train_rows as train

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Noise:
    n: int = 16
    inputs: tuple[int, ...] = (4,)

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, *self.inputs, generator=generator)
        return Data(X, X[:, 0].sign())


NET = Experiment(
    data=Noise(),
    model=MLP(hidden=(5,)),
    rule=SGD(0.1, 4),
    loss=Logistic(),
    steps=20,
    watch=("weights",),
    dtype="float64",
)
ROWS = [(NET, seed) for seed in range(7)]


def parts(rows=ROWS):
    return list(train(rows, CPU))


def same(found, expected):
    whole = concatenate([trained for _, trained in found])
    for name, array in expected.arrays.items():
        torch.testing.assert_close(whole.arrays[name], array, rtol=1e-12, atol=1e-12)
    return [len(rows) for rows, _ in found]


@pytest.mark.parametrize(("seeds", "sizes"), [(3, [3, 3, 1]), (1, [1] * 7), (0, [1] * 7)])
def test_a_small_budget_trains_in_parts_with_the_same_results(monkeypatch, seeds, sizes):
    [(_, expected)] = parts()
    monkeypatch.setattr(trainer, "memory_budget", lambda device: seeds * cost(NET).memory + 1)
    assert same(parts(), expected) == sizes


ERRORS = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: 1 bytes."),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("CUDA error: out of memory"),
]


def fails_above(monkeypatch, rows, error):
    """Make batches of more rows fail in the middle of their training."""
    step = Batch._step

    def fail(self, at, *rest):
        if len(self.rows) > rows and at == 10:
            raise error
        step(self, at, *rest)

    monkeypatch.setattr(Batch, "_step", fail)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(("rows", "sizes"), [(3, [3, 2, 2]), (1, [1] * 7)])
def test_out_of_memory_halves_a_batch_until_it_fits(monkeypatch, error, rows, sizes):
    [(_, expected)] = parts()
    fails_above(monkeypatch, rows, error)
    assert same(parts(), expected) == sizes


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_single_row_that_does_not_fit_is_unfinished_and_says_what(monkeypatch, error):
    fails_above(monkeypatch, 0, error)
    with pytest.raises(Unfinished) as caught:
        parts()
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith("out of memory: seed 0 of MLP on Noise, SGD alone, an estimated 0 MiB; expected one seed")
    assert caught.value.__cause__ is error


def test_a_real_allocation_that_fails_is_unfinished():
    huge = replace(NET, data=Noise(n=16, inputs=(4,)), model=MLP(hidden=(2**24, 2**24)))
    with pytest.raises(Unfinished, match=r"out of memory: seed 3 of MLP on Noise, SGD alone, an estimated \d+ MiB"):
        parts([(huge, 3)])


@pytest.mark.parametrize("fails", [False, True])
def test_what_a_batch_holds_is_freed_when_it_ends_and_before_its_halves_begin(monkeypatch, fails):
    ended, step = [], Batch._step

    def seen(self, at, *rest):
        assert not [batch for batch in ended if batch() is not None and batch() is not self]
        if at == 10:
            ended.append(weakref.ref(self))
            if fails and len(self.rows) > 2:
                raise MemoryError
        step(self, at, *rest)

    monkeypatch.setattr(Batch, "_step", seen)
    if not fails:
        monkeypatch.setattr(trainer, "memory_budget", lambda device: 2 * cost(NET).memory + 1)
    gc.disable()
    try:
        assert max(len(rows) for rows, _ in parts()) == 2
    finally:
        gc.enable()
    assert [batch for batch in ended if batch() is not None] == []


def test_other_faults_are_raised_as_they_are(monkeypatch):
    fails_above(monkeypatch, 0, RuntimeError("a fault of another kind"))
    with pytest.raises(RuntimeError, match="a fault of another kind"):
        parts()


def test_progress_covers_all_rows_and_never_falls(monkeypatch):
    monkeypatch.setattr(trainer, "memory_budget", lambda device: 2 * cost(NET).memory + 1)
    told: list[tuple[int, int]] = []
    long = replace(NET, model=Linear(), rule=GD(0.1), loss=Square(), steps=200)
    list(train([(long, seed) for seed in range(5)], CPU, lambda step, steps: told.append((step, steps))))
    done = [step for step, _ in told]
    assert done == sorted(done)
    assert done[-1] == 5 * 200
    assert {steps for _, steps in told} == {1000}
    assert len(told) > 3
