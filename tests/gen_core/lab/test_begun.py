"""What seeds draw is believed from earlier runs, where their measures are, only beside a seed that is drawn now."""

from __future__ import annotations

import pytest
import torch

from gen_core.lab import Lab, Store, work
from gen_core.measuring.folder import Folder
from gen_core.measuring.parts import Part
from gen_core.training.draws import begins_with
from tests.gen_core.lab.test_lab_draws import A
from tests.toy import clean, noisy


@pytest.fixture
def drawn(monkeypatch):
    """The seeds that are drawn to be compared."""
    seeds = []

    def counted(experiment, seed, start=None):
        seeds.append(seed)
        return begins_with(experiment, seed, start)

    monkeypatch.setattr(work, "begins_with", counted)
    return seeds


@pytest.fixture
def begun(tmp_path, drawn):
    """A lab of its own on one store, as another process would have it; what it drew is counted anew."""

    def made(keeps_measures: bool = True) -> work.Begun:
        drawn.clear()
        return Lab(Store(tmp_path), torch.device("cpu"), keeps_measures=keeps_measures).begun

    return made


SEEDS = (0, 1, 2, 3)
TOLD = [begins_with(clean, seed) for seed in SEEDS]


def test_one_seed_is_drawn_where_the_others_are_kept(begun, drawn):
    assert begun()(clean, SEEDS) == TOLD
    assert drawn == [*SEEDS]
    again = begun()
    assert [again(clean, SEEDS), again(clean, SEEDS)] == [TOLD, TOLD]
    assert drawn == [0]
    assert again.of_data(clean, SEEDS) == [begins_with(clean, seed, {}) for seed in SEEDS]
    assert again(noisy, SEEDS) == [begins_with(noisy, seed) for seed in SEEDS]
    assert drawn == [0, *SEEDS, *SEEDS]
    assert begun()(clean, (0, 1)) == TOLD[:2]
    assert drawn == [0, 1]


@pytest.mark.parametrize("keeps_measures", [False, True])
def test_every_seed_is_drawn_without_the_option_or_where_draws_look_something_up(begun, drawn, keeps_measures):
    for _ in range(2):
        begun(keeps_measures)(A if keeps_measures else clean, SEEDS)
        assert drawn == [*SEEDS]


@pytest.mark.parametrize("harm", ["another draw", "damaged"])
def test_what_is_not_of_this_draw_is_drawn_whole_and_kept(begun, drawn, tmp_path, harm):
    begun()(clean, SEEDS)
    (value,) = Folder(tmp_path).values()
    whole = value.path.read_bytes()
    if harm == "damaged":
        value.path.write_bytes(whole[:-1])
    else:
        other = Part("", {"drawn": torch.tensor(TOLD) + 1}, {})
        Folder(tmp_path).save(value.path.name, other, {"measure": "", "trainings": []})
    assert begun()(clean, SEEDS) == TOLD
    assert drawn == [*SEEDS]
    assert value.path.read_bytes() == whole


def test_one_seed_is_drawn_where_a_training_in_this_process_has_told_of_all(begun, drawn):
    lab = begun(False)
    assert lab(clean, SEEDS, TOLD) == TOLD
    assert drawn == [0]
    others = [(data + 1, start) for data, start in TOLD]
    assert begun(False)(clean, SEEDS, others) == TOLD
    assert drawn == [*SEEDS]
    begun(False)(A, SEEDS, TOLD)
    assert drawn == [*SEEDS]


def test_what_a_training_has_told_is_kept(begun, drawn):
    begun()(clean, SEEDS, TOLD)
    assert begun()(clean, SEEDS) == TOLD
    assert drawn == [0]


def test_what_is_known_is_not_told_anew(begun):
    lab = begun(False)
    assert lab(clean, (1,)) == TOLD[1:2]
    assert lab(clean, SEEDS, [TOLD[0], (0, 0), *TOLD[2:]]) == TOLD


@pytest.mark.parametrize("start", [True, False])
def test_what_has_been_told_is_known_without_a_draw(begun, drawn, start):
    def tell(lab, seeds):
        return lab(clean, seeds) if start else lab.of_data(clean, seeds)

    lab = begun()
    assert not lab.is_told(clean, SEEDS, start=start)
    tell(lab, SEEDS[:1])
    assert not lab.is_told(clean, SEEDS, start=start)
    tell(lab, SEEDS)
    assert lab.is_told(clean, SEEDS, start=start)
    assert not lab.is_told(clean, SEEDS, start=not start)
    again = begun()
    assert [again.is_told(clean, seeds, start=start) for seeds in (SEEDS[1:], SEEDS[:2])] == [True, False]
    assert not again.is_told(clean, SEEDS, start=start)
    assert not begun(False).is_told(clean, SEEDS, start=start)
    assert drawn == []
