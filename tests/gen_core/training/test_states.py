"""The state of a recipe is told once where it is taken to stay, as in the draw of one batch, and anew elsewhere."""

from __future__ import annotations

import pytest

from gen_core.training import states
from gen_core.training.states import state_of, states_told_once
from tests.toy import clean, noisy


@pytest.fixture
def looks(monkeypatch):
    """The recipes whose code is looked at."""
    seen = []

    def counted(recipe):
        seen.append(recipe)
        return code_of(recipe)

    code_of = states.code_of
    monkeypatch.setattr(states, "code_of", counted)
    return seen


def test_states_are_told_once_within_the_block_alone(looks):
    expected = [state_of(clean.data), state_of(noisy.data), state_of((clean.data, clean.model))]
    assert len(looks) == 3
    with states_told_once():
        for _ in range(2):
            assert [state_of(clean.data), state_of(noisy.data), state_of((clean.data, clean.model))] == expected
        with states_told_once():
            assert state_of(clean.data) == expected[0]
        assert len(looks) == 6
    assert state_of(clean.data) == expected[0]
    assert len(looks) == 7


def test_a_tuple_of_one_recipe_has_a_state_of_its_own():
    apart = [state_of(clean.data), state_of((clean.data,))]
    with states_told_once():
        assert [state_of(clean.data), state_of((clean.data,))] == apart
    assert apart[0] != apart[1]


def test_states_are_told_anew_after_an_error(looks):
    @states_told_once()
    def fail():
        state_of(clean.data)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    state_of(clean.data)
    assert len(looks) == 2
