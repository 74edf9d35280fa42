from dataclasses import make_dataclass
from itertools import product

import pytest
import torch

from gen_core.errors import InvalidExperiment
from gen_core.models.two_layer import Linear
from gen_core.recipe import digest
from gen_core.training.seeding import generator, seed_numbers


def test_bases_share_no_seed():
    assert seed_numbers(0, 4, 8) == (4, 5, 6, 7)
    assert not set(seed_numbers(7, 0, 1000)) & set(seed_numbers(8, 0, 1000))
    assert len(set(seed_numbers(20260101235959, 0, 1000))) == 1000


@pytest.mark.parametrize(("start", "stop"), [(0, 1001), (5, 4), (-1, 3)])
def test_seeds_beyond_a_base_are_refused(start, stop):
    with pytest.raises(InvalidExperiment, match=f"seeds {start} to {stop}; expected at most 1000 of one base"):
        seed_numbers(0, start, stop)


def test_streams_differ_in_recipe_seed_and_purpose_and_repeat():
    settings = list(product([Linear(), Linear(init_std=1.0), (3, 4)], [0, 1], ["data", "init"]))
    draws = [tuple(torch.randn(3, generator=generator(*s)).tolist()) for s in settings]
    assert len(set(draws)) == len(settings)
    assert draws == [tuple(torch.randn(3, generator=generator(*s)).tolist()) for s in settings]


def test_streams_do_not_read_the_global_state():
    torch.manual_seed(1)
    first = torch.randn(3, generator=generator(Linear(), 0, "init"))
    torch.manual_seed(2)
    assert torch.equal(first, torch.randn(3, generator=generator(Linear(), 0, "init")))


def test_a_new_field_with_a_default_changes_no_draw():
    fields = [("width", int), ("activation", str, "relu")]
    plain = make_dataclass("Net", fields, frozen=True)
    grown = make_dataclass("Net", [*fields, ("batch_norm", bool, False), ("inner", object, Linear())], frozen=True)

    def drawn(recipe: object) -> list[float]:
        return torch.randn(3, generator=generator(recipe, 5, "init")).tolist()

    assert drawn(plain(3)) == drawn(grown(3)) == drawn((plain(3),)[0])
    assert drawn(plain(3, "tanh")) == drawn(grown(3, "tanh")) != drawn(plain(3))
    assert drawn((plain(3), 2)) == drawn((grown(3), 2))
    assert drawn(grown(3, batch_norm=True)) != drawn(grown(3))
    assert drawn(grown(3, inner=Linear(bias=True))) != drawn(grown(3))
    assert digest(plain(3)) != digest(grown(3))  # keys have every field
