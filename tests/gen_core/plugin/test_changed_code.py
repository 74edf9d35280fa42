"""Nothing false is believed: changed code beside a claim, names that two files share, hypotheses that change data."""

from __future__ import annotations

import pytest

from gen_core.records import last_attempts

OWN = """
from dataclasses import dataclass
from gen_core import Data, Linear, Experiment, Square
SLOPE = {slope}

def target(X):
    return SLOPE * X.sum(1)

@dataclass(frozen=True)
class {name}:
    n: int = 60
    inputs: tuple = (3,)
    noise: float = 0.0

    def draw(self, g):
        X = torch.randn(self.n, 3, generator=g, dtype=torch.float64)
        return Data(X, target(X))

@dataclass(frozen=True)
class Doubled:
    data: object
    n: int = 60
    inputs: tuple = (3,)
    noise: float = 0.0

    def draw(self, g):
        return self.derive(self.data.draw(g), g)

    def derive(self, data, g):
        return Data(data.X, 2 * data.y)

few = Experiment(data={data}, model=Linear(), rule=GD(0.1), loss=Square(), steps=300, dtype="float64")

@claim(**{{**TOY, "given": few, "without": {{noiseless: noisy}}}})
def test_weights_of_{name}(run):
    expect(run.w.mean(1), "mean weight").always_at_most(2.5)
"""


def own(slope: float, name: str = "P", data: str = "P()") -> str:
    return OWN.format(slope=slope, name=name, data=data)


def test_a_changed_constant_beside_a_claim_is_not_believed_from_the_store(suite):
    suite.claims(own(1.0))
    suite.run("-k", "given")
    assert suite.cases["test_weights_of_P[given]"].verdict == "HOLDS"

    suite.claims(own(5.0))
    suite.run("-k", "given")

    assert suite.cases["test_weights_of_P[given]"].verdict == "REFUTED"
    assert suite.record.trainings == 2


def test_two_files_may_call_their_data_sets_the_same_below_a_derived_one(suite):
    suite.claims(own(1.0, data="Doubled(P())"), "test_one.py")
    suite.claims(own(5.0, data="Doubled(P())"), "test_two.py")
    suite.run("-k", "given", "-p", "no:xdist")

    assert {case.nodeid.partition("::")[0]: case.verdict for case in last_attempts(suite.folder)[0]} == {
        "test_one.py": "HOLDS",
        "test_two.py": "REFUTED",
    }


CARELESS = """
@assumption
def centred(experiment, data):
    \"\"\"Labels have the mean zero.\"\"\"
    {change}
    return experiment.data.noise == 0, f"mean {{float(data.y.mean()):.3g}}"

@claim(**{{**TOY, "assuming": (centred,), "without": {{centred: noisy}}}})
def test_careless(run):
    expect(loss(run), "loss").at_most(2)

@claim(**{{**TOY, "assuming": (centred,), "without": {{centred: noisy}}}})
def test_careless_too(run):
    expect(loss(run), "loss").at_most(2)
"""
PURE = """
@claim(**TOY)
def test_pure(run):
    expect(run.y.mean(1).abs(), "mean label").always_at_most(1e-9)
"""


@pytest.mark.parametrize("change", ["data.y.sub_(data.y.mean())", "data.y.numpy()[:] -= float(data.y.mean())"])
def test_a_hypothesis_that_changes_the_data_is_refused_and_harms_no_other_claim(suite, change):
    suite.claims(CARELESS.format(change=change), "test_careless.py")
    suite.claims(PURE, "test_pure.py")
    suite.run("-p", "no:xdist")

    for name in ("test_careless", "test_careless_too"):
        careless = suite.cases[f"{name}[given]"]
        assert careless.verdict == "ERROR"
        assert careless.reason.startswith("the hypothesis 'centred' changed the data of Points in place")
    assert suite.cases["test_pure[given]"].verdict != "HOLDS"
