import torch

from gen_core import MLP, Experiment
from gen_core.data import Gaussian
from gen_core.training import draws
from gen_core.training.draws import initial_parameters, known_start
from gen_core.training.recent import Recent


def named(size, value=0.0):
    return {"a": torch.full((size,), value), "b": torch.zeros(1)}


def test_what_is_taken_or_was_given_may_be_changed():
    recent, given = Recent(1000), named(3)
    recent.keep("one", given)
    given["a"] += 1
    recent.take("one")["a"] += 1
    assert not recent.take("one")["a"].any()
    assert recent.take("two") is None


def test_the_latest_are_kept_up_to_a_size():
    recent = Recent(4 * (3 + 1) * 3)
    for key in "abc":
        recent.keep(key, named(3))
    assert recent.take("a") is not None
    recent.keep("d", named(3))
    assert list(recent.kept) == ["c", "a", "d"]
    assert recent.bytes == 4 * 4 * 3
    recent.keep("a", named(2, 1.0))
    assert recent.bytes == 4 * (4 + 4 + 3)
    assert recent.take("a")["a"].tolist() == [1.0, 1.0]
    recent.keep("large", named(100))
    assert list(recent.kept) == ["large"]
    assert recent.bytes == 4 * 101


def test_a_start_is_drawn_once_for_all_who_ask_and_anew_on_demand(monkeypatch):
    monkeypatch.setattr(draws, "_recent", Recent(10**6))
    experiment = Experiment(data=Gaussian(n=4, d=3), model=MLP((5,)))
    asked = []
    draw = draws.initial_parameters
    monkeypatch.setattr(draws, "initial_parameters", lambda e, seed: (asked.append(seed), draw(e, seed))[1])
    first = known_start(experiment, 1)
    first["W1"].zero_()
    for start in (known_start(experiment, 1), known_start(experiment, 1, anew=True)):
        assert all(torch.equal(start[name], value) for name, value in initial_parameters(experiment, 1).items())
    assert asked == [1, 1]
    others = (
        Experiment(data=Gaussian(n=4, d=3), model=MLP((5,)), start=1),
        Experiment(data=Gaussian(n=4, d=2), model=MLP((5,))),
        Experiment(data=Gaussian(n=4, d=3), model=MLP((5,), gain=2.0)),
        Experiment(data=Gaussian(n=4, d=3), model=MLP((5,)), dtype="float64"),
    )
    for other in others:
        start, drawn = known_start(other, 1), initial_parameters(other, 1)
        assert all(
            start[name].dtype == value.dtype and torch.equal(start[name], value) for name, value in drawn.items()
        )
    assert len(asked) == 6
    known_start(Experiment(data=Gaussian(n=9, d=3), model=MLP((5,))), 1)  # a start is of the inputs' shape alone
    assert len(asked) == 6
