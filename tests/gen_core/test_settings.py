from dataclasses import dataclass, replace

import pytest
import torch

from gen_core import GD, Arms, AtScale, Data, Experiment, InvalidExperiment, Linear, Square, Sweep
from gen_core.settings import describe, experiments


@dataclass(frozen=True)
class Points:
    n: int = 10
    inputs: tuple[int, ...] = (3,)

    def draw(self, generator: torch.Generator) -> Data:
        raise NotImplementedError


A = Experiment(data=Points(), model=Linear(), rule=GD(0.1), loss=Square(), steps=10)
B = replace(A, rule=GD(0.2))


def test_experiments_of_a_setting():
    assert experiments(A) == {"": A}
    assert experiments(Arms(one=A, two=B)) == {"one": A, "two": B}
    assert experiments(Sweep(axis="n", points=((10, A), (20.5, B)))) == {"n=10": A, "n=20.5": B}
    assert list(experiments(Sweep(axis="n", points=((1000001, A), (1000002, B))))) == ["n=1000001", "n=1000002"]


def test_descriptions_are_plain_values():
    assert describe(A)["experiment"]["rule"] == {"recipe": "GD", "rate": 0.1, "weight_decay": 0}
    assert describe(Arms(one=A, two=B))["two"]["rule"]["rate"] == 0.2


def test_a_scale_that_is_left_out_is_the_standard_one():
    setting = AtScale(standard=A, paper=B)
    assert [setting.at(scale) for scale in ("quick", "standard", "paper")] == [A, A, B]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Arms(), "Arms of nothing; expected two or more named experiments"),
        (lambda: Arms(one=A), "Arms of one; expected two or more named experiments"),
        (lambda: Arms(one=A, two=3), "arm 'two' 3; expected an Experiment"),
        (
            lambda: Sweep(axis="n", points=((10, A),)),
            "Sweep over n at [10]; expected two or more increasing values",
        ),
        (
            lambda: Sweep(axis="n", points=((20, A), (10, B))),
            "Sweep over n at [20, 10]; expected two or more increasing values",
        ),
        (
            lambda: Sweep(axis="n", points=(("a", A), ("b", B))),
            "Sweep over n at ['a', 'b']; expected two or more increasing values",
        ),
        (
            lambda: Sweep(axis="n", points={10: 3, 20: 4}),
            "Sweep over n of points {10: 3, 20: 4}; expected a tuple of (x, experiment), ((10, a), (20, b))",
        ),
        (lambda: Sweep(axis=3, points=()), "axis 3 of a Sweep; expected the name of x"),
        (lambda: AtScale(standard=3), "standard 3; expected an Experiment, Arms or a Sweep"),
        (lambda: AtScale(standard=A, quick=3), "quick 3; expected an Experiment, Arms or a Sweep"),
        (lambda: Sweep(axis="n", points=((1, A), (2, None))), "point n=2 None; expected an Experiment"),
    ],
)
def test_settings_that_are_not_well_formed(make, message):
    with pytest.raises(InvalidExperiment) as caught:
        make()
    assert str(caught.value) == message
