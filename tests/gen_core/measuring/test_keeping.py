"""What measures gave is found again, seed by seed, where nothing that it depends on has changed, and nowhere else."""

from __future__ import annotations

import functools
import importlib
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gen_core import InvalidClaim, InvalidExperiment, Run, Runs, measure
from gen_core.lab import Lab, Store
from gen_core.measures import Measured, linear_phase, resampled_held_out
from gen_core.measuring import keeping
from gen_core.measuring.folder import FOLDER
from gen_core.models import two_layer
from gen_core.run import Mutation
from tests.toy import clean, noisy


@dataclass(frozen=True)
class Both:
    w: torch.Tensor
    loss: torch.Tensor
    names: tuple[str, ...] = ("a", "b")


@measure
def weights(run: Run) -> torch.Tensor:
    return run.w + run.X.mean((1, 2))[:, None]


@measure
def power(run: Run, exponent: float = 1.0, of: Callable[..., torch.Tensor] = torch.Tensor.abs) -> torch.Tensor:
    return run.w.abs().sum(1) ** exponent


@measure
def both(run: Run) -> Both:
    return Both(run.w, run.train_loss)


@measure
def shared(run: Run) -> torch.Tensor | Measured:
    def of(counts: torch.Tensor | None) -> torch.Tensor:
        return run.train_loss if counts is None else run.train_loss * (counts.mean(1, keepdim=True) + counts[:, :1])

    return resampled_held_out(torch.ones(len(run.seeds), 5), of)


@measure
def losses(runs: Runs) -> torch.Tensor:
    return torch.stack([run.train_loss for run in runs])


@measure(seeds="first")
def last_weights(runs: Runs) -> torch.Tensor:
    return next(iter(runs)).w


@measure
def transposed(run: Run) -> torch.Tensor:
    return run.w.mT


@measure
def scaled(run: Run, by: torch.Tensor) -> torch.Tensor:
    return run.train_loss * by


@pytest.fixture
def taken(monkeypatch):
    """The seeds of every part that is measured, not found."""
    sizes: list[int] = []

    def counted(value, axis, parts, name):
        sizes.extend(parts)
        return take_apart(value, axis, parts, name)

    take_apart = keeping.take_apart
    monkeypatch.setattr(keeping, "take_apart", counted)
    return sizes


@pytest.fixture
def runs(tmp_path):
    """Runs of the toy from a lab of their own, as another process would have them, in one store."""

    def made(experiment=clean, seeds: int = 4) -> Run:
        return Lab(Store(tmp_path / "store"), torch.device("cpu"), keeps_measures=True).run(experiment, seeds)

    return made


def files(folder: Path) -> set[Path]:
    """What measures gave, without what the lab keeps of draws."""
    kept = (path for path in (folder / "store" / FOLDER).rglob("*") if path.is_file())
    return {path for path in kept if b"what seeds draw" not in path.read_bytes()}


@pytest.mark.parametrize("of", [weights, power, both, shared], ids=lambda each: each.__name__)
def test_a_measure_is_taken_once_for_each_block_of_seeds(of, runs, taken):
    for seeds, new in ((4, [4]), (4, []), (8, [4]), (17, [8, 1]), (16, [])):
        run, expected = runs(seeds=seeds), of.__wrapped__(runs(seeds=seeds))
        taken.clear()
        found = of(run)
        assert taken == new
        for name in getattr(found, "__dict__", {"": None}):
            one, other = (getattr(each, name) if name else each for each in (found, expected))
            assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other
        assert type(found) is type(expected)


def test_one_seed_is_never_measured_alone(runs, taken):
    # Whether seeds share their points cannot be told of one seed.
    assert isinstance(shared(runs(seeds=16)), Measured)
    taken.clear()
    assert shared(runs(seeds=17)).resampled.shape == (200, 17)
    assert sorted(taken) == [1, 4]


def test_families_have_the_seeds_last_unless_they_say_first(tmp_path, taken):
    for seeds, new in ((4, [4, 4]), (8, [4, 4])):
        made = Lab(Store(tmp_path / "store"), torch.device("cpu"), keeps_measures=True).runs([clean, noisy], seeds)
        runs = Runs(dict(zip(("0.0", "1.0"), made, strict=True)), (0.0, 1.0))
        taken.clear()
        assert torch.equal(losses(runs), losses.__wrapped__(runs))
        assert torch.equal(last_weights(runs), made[0].w)
        assert taken == new


def test_arguments_count_with_their_values_and_code(runs, taken):
    run = runs()
    for arguments in ({}, {"exponent": 2.0}, {"exponent": 3.0}, {"of": named}):
        power(run, **arguments)
    assert taken == [4] * 4
    for arguments in ({"exponent": 1.0}, {"exponent": 2.0}, {"of": named}):
        power(run, **arguments)
    assert taken == [4] * 5  # a default that is given is another call
    power(run, of=lambda x: x)
    power(run, of=functools.partial(named))
    assert taken == [4] * 5


def named(x: torch.Tensor) -> torch.Tensor:
    return x


def test_tensors_among_the_arguments_count_with_their_numbers(runs, taken):
    run, by = runs(seeds=8), torch.arange(8.0, dtype=torch.float64)
    first = scaled(run, by)
    assert torch.equal(scaled(run, by.clone()), first)
    assert taken == [8]
    assert torch.equal(scaled(run, by + 1), run.train_loss * (by + 1))
    assert taken == [8, 8]


@pytest.mark.parametrize(
    "other",
    [
        lambda run: replace(run, result=replace(run.result)),
        lambda run: replace(run, seeds=tuple(seed + 1 for seed in run.seeds)),
        lambda run: replace(run, experiment=noisy),
        lambda run: run.at({"w": run.w + 1}),
        lambda run: replace(run, origin=None),
    ],
    ids=["another-result", "other-seeds", "another-recipe", "other-weights", "no-origin"],
)
def test_a_run_that_is_no_lab_s_is_measured_each_time(other, runs, taken, tmp_path):
    power(runs())
    kept = files(tmp_path)
    one = other(runs())
    taken.clear()
    assert torch.equal(power(one), power.__wrapped__(one))
    assert not taken
    assert files(tmp_path) == kept


@pytest.mark.parametrize(
    "by", [lambda w: w.add_(1), lambda w: np.add(w.numpy(), 1, out=w.numpy())], ids=["torch", "numpy"]
)
def test_arrays_that_were_changed_in_place_are_not_kept(by, runs, tmp_path):
    run = runs()
    by(run.result.arrays["final.w"])
    assert torch.equal(power(run), run.w.abs().sum(1))
    assert not files(tmp_path)
    assert float(power(runs()).mean()) != float(power(run).mean())


@measure
def doubling(run: Run) -> torch.Tensor:
    return run.train_loss.mul_(2)


def test_a_measure_that_changes_its_run_is_not_kept(runs, tmp_path):
    loss = runs().train_loss.clone()
    for _ in range(2):
        run = runs()
        assert torch.equal(doubling(run), 2 * loss)
        assert torch.equal(run.train_loss, 2 * loss)
    assert not files(tmp_path)


@measure
def centred(run: Run) -> torch.Tensor:
    return run.train_loss - run.train_loss.mean()


def test_a_measure_that_mixes_seeds_is_not_kept(runs, tmp_path):
    run = runs(noisy, seeds=8)
    assert torch.equal(centred(run), run.train_loss - run.train_loss.mean())
    assert not files(tmp_path)


@measure
def counted_files(run: Run) -> torch.Tensor:
    return run.train_loss * len(list(Path(__file__).parent.glob("*")))


def test_a_measure_that_looks_into_a_folder_is_not_kept(runs, tmp_path):
    counted_files(runs())
    assert not files(tmp_path)


@dataclass(frozen=True)
class Percent:
    of: torch.Tensor

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", self.of / 100)


@measure
def percent(run: Run) -> Percent:
    return Percent(run.train_loss)


def test_what_would_not_come_back_as_it_was_is_not_kept(runs, tmp_path):
    for _ in range(2):
        run = runs()
        assert torch.equal(percent(run).of, run.train_loss / 100)
    assert not files(tmp_path)


def test_nothing_is_kept_of_a_lab_that_was_not_asked_to(tmp_path):
    power(Lab(Store(tmp_path / "store"), torch.device("cpu")).run(clean, 4))
    assert not files(tmp_path)


def test_controls_of_an_identity_and_of_other_draws_are_told_apart(runs, taken):
    run = runs()
    power(run)
    power(replace(run, mutation=Mutation("m", "Another measure.").name))
    power(runs(noisy))
    assert taken == [4, 4, 4]


def test_what_another_measure_or_a_patched_function_would_give_is_not_found(runs, taken, monkeypatch):
    run = runs()
    run_of_two = Lab(Store(run.origin.store), torch.device("cpu"), keeps_measures=True).run(
        replace(clean, model=two_layer.TwoLayer(8, "erf"), steps=2), 4
    )
    first = outputs_of(run_of_two)
    assert torch.equal(outputs_of(run_of_two), first)
    assert taken == [4]
    monkeypatch.setattr(Run, "outputs", lambda self, X, at=None: X.sum(-1))
    assert not torch.equal(outputs_of(run_of_two), first)
    assert taken == [4]  # nothing is kept of it either


@measure
def outputs_of(run: Run) -> torch.Tensor:
    return run.outputs(run.X)


MODULE = """
from gen_core import measure
from other import halved

LIMIT = 2.0

@measure
def mine(run):
    return halved(run.train_loss) + LIMIT
"""


def test_changed_code_of_a_measure_is_measured_anew(runs, taken, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # it would stand for a file of the same size and second
    file, other = tmp_path / "mine_of_a_paper.py", tmp_path / "other.py"
    halved = "def halved(x):\n    return x / 2\n"
    number = 0

    def value(text: str, helper: str) -> torch.Tensor:
        nonlocal number
        number += 1
        file.write_text(text.replace("other", f"other{number}"))
        other.with_name(f"other{number}.py").write_text(helper)
        sys.modules.pop("mine_of_a_paper", None)
        importlib.invalidate_caches()
        module = importlib.import_module("mine_of_a_paper")
        return module.mine(runs())

    loss = runs().train_loss
    assert torch.equal(value(MODULE, halved), loss / 2 + 2)
    assert torch.equal(value(MODULE + "\n# a comment\n", halved), loss / 2 + 2)
    for text, helper, expected in (
        (MODULE.replace("2.0", "3.0"), halved, loss / 2 + 3),
        (MODULE, halved.replace("/ 2", "/ 4"), loss / 4 + 2),
        (MODULE.replace("+ LIMIT", "- LIMIT"), halved, loss / 2 - 2),
    ):
        assert torch.equal(value(text, helper), expected)
    sys.modules.pop("mine_of_a_paper", None)


def test_a_value_that_its_module_changes_counts(runs, monkeypatch, taken):
    run = runs()
    assert torch.equal(with_constant(run), run.train_loss + 1)
    monkeypatch.setattr(sys.modules[__name__], "CONSTANT", 2.0)
    assert torch.equal(with_constant(run), run.train_loss + 2)
    assert taken == [4, 4]


CONSTANT = 1.0


@measure
def with_constant(run: Run) -> torch.Tensor:
    return run.train_loss + CONSTANT


@measure
def reading(run: Run) -> torch.Tensor:
    with open(__file__) as file:
        return run.train_loss + len(file.readline())


@measure
def random(run: Run) -> torch.Tensor:
    return run.train_loss + 0 * torch.rand(len(run.seeds))


def test_a_measure_that_draws_from_a_shared_generator_is_refused_each_time(runs, tmp_path):
    for _ in range(2):
        with pytest.raises(InvalidExperiment, match=r"the measure random draws .*expected run.streams\(name\)"):
            random(runs())
    assert not files(tmp_path)


def test_code_that_cannot_be_followed_is_not_kept(runs, tmp_path):
    run = runs()
    inner = measure(lambda run: run.train_loss)
    for one in (reading, inner):
        one(run)
    assert not files(tmp_path)


@pytest.mark.parametrize("harm", [b"", b"x" * 200], ids=["empty", "other-bytes"])
def test_a_damaged_file_is_measured_again(harm, runs, taken, tmp_path):
    first = both(runs())
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    for damaged in (harm, whole[:-1], whole[:100] + b"~" + whole[101:]):
        path.write_bytes(damaged)
        taken.clear()
        assert torch.equal(both(runs()).w, first.w)
        assert taken == [4]
        assert path.read_bytes() == whole


def test_an_entry_under_another_s_name_is_not_believed(runs, taken, tmp_path):
    power(runs())
    (path,) = files(tmp_path)
    power(runs(), 2.0)
    (other,) = files(tmp_path) - {path}
    other.write_bytes(path.read_bytes())
    assert torch.equal(power(runs(), 2.0), runs().w.abs().sum(1) ** 2)


def test_a_folder_that_cannot_be_written_costs_no_value(runs, tmp_path):
    run = runs()
    shutil.rmtree(tmp_path / "store" / FOLDER)
    (tmp_path / "store" / FOLDER).write_text("no folder")
    assert torch.equal(power(run), run.w.abs().sum(1))


def test_a_measure_gives_one_entry_per_seed(runs):
    with pytest.raises(InvalidClaim, match=r"transposed gave a tensor \(3, 4\); expected the 4 seeds on its first"):
        transposed(runs())
    with pytest.raises(InvalidClaim, match=r"measure number gave 1.0; expected a tensor, or a dataclass of tensors"):
        number(runs())
    with pytest.raises(InvalidClaim, match=r"measure 3; expected a function of a run"):
        measure(3)


@measure
def number(run: Run) -> float:
    return 1.0


def test_a_measure_of_the_papers_keeps_its_documentation():
    assert linear_phase.__doc__.startswith("The first phase")
    assert linear_phase.__name__ == "linear_phase"
