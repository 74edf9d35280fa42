"""Nothing false is believed: changed code beside a claim, names that two files share, hypotheses that change data."""

from __future__ import annotations

import pytest

from gen_core.records import last_attempts

DOUBLED = """
from dataclasses import dataclass
from gen_core import Data, Linear, Experiment, Square

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
"""
OWN = """
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

few = Experiment(data={data}, model=Linear(), rule=GD(0.1), loss=Square(), steps=300, dtype="float64")

@claim(**{{**TOY, "given": few, "without": {{noiseless: noisy}}}})
def test_weights_of_{name}(run):
    expect(run.w.mean(1), "mean weight").always_at_most(2.5)
"""


def own(slope: float, name: str = "P", data: str = "P()") -> str:
    return DOUBLED + OWN.format(slope=slope, name=name, data=data)


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


SHIFTED = """
@assumption
def shifted(experiment, data):
    \"\"\"The inputs are far from zero.\"\"\"
    data.X.numpy()[:] += 5
    return True, "far"

big = replace(clean, data=Points(n=400, d=40), rule=GD(0.001))
doubled = replace(big, data=Doubled(big.data, 400, (40,)))

@claim(**{**TOY, "given": big})
def test_before(run):
    expect(run.X.mean((1, 2)).abs(), "mean input").always_at_most(0.1)

@claim(**{**TOY, "assuming": (shifted, noiseless), "given": doubled})
def test_between(run):
    expect(loss(run), "loss").always_at_most(1e9)

@claim(**{**TOY, "given": big})
def test_behind(run):
    expect(run.X.mean((1, 2)).abs(), "mean input").always_at_most(0.1)
"""


def test_data_that_share_memory_with_changed_ones_are_drawn_anew(suite):
    suite.claims(DOUBLED + SHIFTED)
    suite.run("-k", "given", "-p", "no:xdist")
    before, between, behind = (suite.cases[f"test_{name}[given]"] for name in ("before", "between", "behind"))
    assert between.verdict == "ERROR"
    assert "changed the data of Doubled in place" in between.reason
    assert (before.verdict, behind.verdict) == ("HOLDS", "HOLDS")
    assert behind.values == before.values


FLOATS = """
@assumption
def single(experiment, data):
    \"\"\"New tensors are float32.\"\"\"
    return torch.zeros(1).dtype == torch.float32, str(torch.zeros(1).dtype)

@claim(**{**TOY, "assuming": (single, noiseless)})
def test_default(run):
    expect(loss(run), "loss").at_most(20)

@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)

@claim(**{**TOY, "assuming": (single, noiseless)})
def test_double(double, run):
    expect(loss(run), "loss").at_most(20)
"""


def test_a_hypothesis_is_asked_again_under_another_default_dtype(suite):
    suite.claims("import pytest\n" + FLOATS)
    suite.run("-k", "given", "-p", "no:xdist")
    assert suite.cases["test_default[given]"].verdict == "HOLDS"
    assert suite.cases["test_double[given]"].verdict == "ERROR"
    assert "'single' does not hold: torch.float64" in suite.cases["test_double[given]"].reason
