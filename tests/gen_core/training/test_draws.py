from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gen_core import GD, Data, DataMissing, Experiment, InvalidExperiment, Linear, Square
from gen_core.training import draws
from gen_core.training.draws import check_unchanged, sample_data
from gen_core.training.states import files_of


@dataclass(frozen=True)
class Points:
    n: int = 4
    inputs: tuple[int, ...] = (3,)
    n_test: int = 0
    fault: str = ""

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, 3, generator=generator)
        y, X_test, y_test = X.sum(1), torch.ones(self.n_test, 3), torch.ones(self.n_test)
        if self.fault == "points":
            X = X[1:]
        elif self.fault == "labels":
            y = y[:, None]
        elif self.fault == "integers":
            X = X.long()
        elif self.fault == "held out":
            X_test = X_test[1:]
        elif self.fault == "none held out":
            return Data(X, y)
        return Data(X, y, X_test, y_test)


@dataclass(frozen=True)
class Other(Points):
    pass


@dataclass(frozen=True)
class File(Points):
    def source(self) -> str:
        raise DataMissing("file x is not there; get it with: fetch x")


@pytest.fixture(autouse=True)
def store(monkeypatch):
    monkeypatch.setattr(draws, "_cache", draws._SampleCache())
    return draws._cache


def experiment(data):
    return Experiment(data=data, model=Linear(), rule=GD(0.1), loss=Square(), steps=1)


def test_a_draw_is_a_function_of_recipe_and_seed(store):
    first = sample_data(experiment(Points()), 5)
    assert sample_data(replace(experiment(Points()), steps=9), 5) is first
    assert not torch.equal(sample_data(experiment(Points()), 6).X, first.X)
    store.kept.clear()
    assert torch.equal(sample_data(experiment(Points()), 5).X, first.X)


def test_recipes_of_one_form_and_other_types_are_drawn_apart():
    assert sample_data(experiment(Points()), 0) is not sample_data(experiment(Other()), 0)


def test_the_latest_draws_are_kept_up_to_a_size(store, monkeypatch):
    size = 4 * (4 * 3 + 4)
    monkeypatch.setattr(draws, "BYTES_KEPT", 3 * size)
    kept = [sample_data(experiment(Points()), seed) for seed in range(3)]
    assert sample_data(experiment(Points()), 0) is kept[0]
    sample_data(experiment(Points()), 3)
    assert [seed for _, seed in store.kept] == [2, 0, 3]
    assert store.bytes == 3 * size
    monkeypatch.setattr(draws, "BYTES_KEPT", 0)
    last = sample_data(experiment(Points()), 9)
    assert [data for data, _ in store.kept.values()] == [last]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Points(fault="points"), "Points drew X of shape (3, 3); expected (4, 3), as its recipe says"),
        (Points(inputs=(2,)), "Points drew X of shape (4, 3); expected (4, 2), as its recipe says"),
        (Points(fault="labels"), "Points drew y of shape (4, 1); expected (4,), as its recipe says"),
        (Points(fault="integers"), "Points drew X of torch.int64; expected floating point"),
        (Points(n_test=5, fault="held out"), "Points drew X_test of shape (4, 3); expected (5, 3), as its recipe says"),
        (
            Points(n_test=5, fault="none held out"),
            "Points drew X_test of shape None; expected (5, 3), as its recipe says",
        ),
    ],
)
def test_a_draw_that_is_not_what_its_recipe_announces(data, message):
    with pytest.raises(InvalidExperiment) as caught:
        sample_data(experiment(data), 0)
    assert str(caught.value) == message


def test_data_that_reads_no_files_has_no_digest_and_data_that_is_missing_says_so():
    assert files_of(experiment(Points())) == ""
    with pytest.raises(DataMissing, match="file x is not there; get it with: fetch x"):
        files_of(experiment(File()))


@dataclass(frozen=True)
class Shifted:
    """Another data set's points with other labels, made in place where `careless`."""

    data: Points
    careless: bool = False

    @property
    def n(self) -> int:
        return self.data.n

    @property
    def inputs(self) -> tuple[int, ...]:
        return self.data.inputs

    def draw(self, generator: torch.Generator) -> Data:
        return self.derive(self.data.draw(generator), generator)

    def derive(self, data: Data, generator: torch.Generator) -> Data:
        return Data(data.X, data.y.add_(1) if self.careless else data.y + 1)


def same_name(slope: float) -> type:
    """A data set that has the name of another one, as in two files of claims."""

    @dataclass(frozen=True)
    class P(Points):
        def draw(self, generator: torch.Generator) -> Data:
            X = torch.randn(self.n, 3, generator=generator)
            return Data(X, slope * X.sum(1))

    return P


def test_data_sets_of_one_name_below_a_derived_one_are_told_apart():
    one, two = (sample_data(experiment(Shifted(same_name(slope)())), 0) for slope in (1.0, 3.0))
    assert torch.equal(one.X, two.X)
    assert torch.allclose(3 * (one.y - 1), two.y - 1)


def test_a_derived_data_set_that_changes_the_other_in_place_is_refused():
    with pytest.raises(InvalidExperiment) as caught:
        sample_data(experiment(Shifted(Points(), careless=True)), 0)
    assert str(caught.value) == (
        "Shifted.derive changed the data of Points in place, which others measure too; expected it to work on a copy "
        "(tensor.clone())"
    )


CHANGES = {
    "in torch": lambda y: y.sub_(y.mean()),
    "in numpy": lambda y: np.subtract(y.numpy(), 1, out=y.numpy()),
    "of one number": lambda y: y.numpy().__setitem__(0, 9),
    "by order": lambda y: y.numpy().sort(),
    "by sign": lambda y: np.negative(y.numpy(), out=y.numpy()),
    "behind autograd": lambda y: y.data.mul_(-1),
    "of shape": lambda y: setattr(y, "data", y.data.view(2, -1)),
    "of what is tracked": lambda y: y.requires_grad_(),
    "through a view": lambda y: y[1:].zero_(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("n", [4, 300_000])
def test_a_draw_that_was_changed_in_place_is_not_handed_on(change, n):
    recipe = experiment(Points(n=n))
    change(sample_data(recipe, 3).y)
    with pytest.raises(InvalidExperiment, match=r"^the hypothesis 'centred' changed the data of Points in place"):
        check_unchanged(recipe, 3, "the hypothesis 'centred'")
    assert torch.allclose(sample_data(recipe, 3).y, sample_data(recipe, 3).X.sum(1))  # drawn anew


def test_a_change_that_nobody_was_asked_about_is_noticed_when_the_draw_is_handed_out():
    recipe = experiment(Points())
    sample_data(recipe, 3).y.numpy()[0] = 9
    with pytest.raises(InvalidExperiment, match=r"^code that was given it changed the data of Points in place"):
        sample_data(recipe, 3)
    check_unchanged(recipe, 4, "nobody, of what was never drawn")


def test_looking_at_a_draw_is_no_change():
    recipe = experiment(Points(n_test=3))
    data = sample_data(recipe, 3)
    (data.X + 1).sum(), data.y.clone().zero_(), data.X_test.numpy().copy().sort()
    check_unchanged(recipe, 3, "x")


def test_draws_without_gradients_at_all_can_be_made():
    with torch.inference_mode():
        data = sample_data(experiment(Points(n=7)), 3)
    check_unchanged(experiment(Points(n=7)), 3, "x")
    assert sample_data(experiment(Points(n=7)), 3) is data


TENSOR = "expected a tensor (torch.from_numpy makes one of an array)"


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        (lambda X: (X, X.sum(1)), "Odd drew a tuple; expected a Data"),
        (lambda X: Data(X.numpy(), X.sum(1)), f"Odd drew X as a ndarray; {TENSOR}"),
        (lambda X: Data(X, X.sum(1), [1]), f"Odd drew X_test as a list; {TENSOR}"),
        (lambda X: Data(X, X.sum(1), X), "Odd drew X_test without y_test; expected both or neither"),
        (lambda X: Data(X, X.sum(1), None, X.sum(1)), "Odd drew y_test without X_test; expected both or neither"),
        (
            lambda X: Data(X, X.sum(1), X[:2], X[:2].sum(1)),
            "Odd drew X_test of shape (2, 3); expected none, or its number as the field n_test",
        ),
    ],
)
def test_what_is_no_draw_is_refused(drawn, message):
    @dataclass(frozen=True)
    class Odd(Points):
        def draw(self, generator: torch.Generator) -> Data:
            return drawn(torch.randn(self.n, 3, generator=generator))

    with pytest.raises(InvalidExperiment) as caught:
        sample_data(experiment(Odd()), 0)
    assert str(caught.value) == message


@dataclass(frozen=True)
class Slope(Points):
    """Labels by a slope that a file holds."""

    path: str = ""

    def source(self) -> str:
        return Path(self.path).read_text()

    def draw(self, generator: torch.Generator) -> Data:
        X = torch.randn(self.n, 3, generator=generator)
        return Data(X, float(self.source()) * X.sum(1))


def test_files_of_inner_data_sets_count_and_a_changed_file_is_read_again(tmp_path):
    (tmp_path / "slope").write_text("1")
    recipe = experiment(Shifted(Slope(path=str(tmp_path / "slope"))))
    assert files_of(recipe) == "1"
    first = sample_data(recipe, 0)

    (tmp_path / "slope").write_text("5")

    assert files_of(recipe) == "5"
    assert torch.allclose(sample_data(recipe, 0).y - 1, 5 * (first.y - 1))


def test_torchs_default_dtype_counts():
    recipe = experiment(Points())
    single = sample_data(recipe, 0)
    torch.set_default_dtype(torch.float64)
    try:
        assert sample_data(recipe, 0).X.dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert sample_data(recipe, 0) is single
