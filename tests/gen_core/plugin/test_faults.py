"""Every planted fault comes out as a failure of its own kind, alone and under xdist."""

from __future__ import annotations

import pytest

CLAIMS = """
def crash(run):
    raise RuntimeError("boom")

@claim(**TOY)
def test_holds(run):
    expect(loss(run), "loss").at_most(2)

@claim(**TOY)
def test_false(run):
    expect(loss(run), "loss").at_most(-1)  # the false claim

@claim(**TOY)
def test_weak(run):
    expect(loss(run), "loss").at_most(1e9)

@claim(**TOY)
def test_crashing(run):
    if run.experiment.data.noise:
        crash(run)
    expect(loss(run), "loss").at_most(2)

@claim(**TOY)
def test_undecided(run):
    values = loss(run)
    expect(values - values.mean() if run.experiment.data.noise else values - 3, "loss").at_most(0)

@claim(**{**TOY, "without": {noiseless: replace(clean, steps=21)}})
def test_inert(run):
    expect(loss(run), "loss").at_most(2)

@claim(**{**TOY, "given": noisy})
def test_violated(run):
    expect(loss(run), "loss").at_most(2)

@claim(**{**TOY, "given": replace(clean, rule=GD(rate=1e6), steps=200)})
def test_diverging(run):
    expect(loss(run), "loss").at_most(2)

@claim(**TOY)
def test_too_large(run):
    if not run.experiment.data.noise:
        raise torch.OutOfMemoryError("tried to allocate 1 TiB")
    expect(loss(run), "loss").at_most(2)

@claim(**TOY)
def test_nan_measure(run):
    expect(loss(run) * float("nan"), "loss").at_most(2)

@claim(**TOY)
def test_shape(run):
    expect(run.w.flatten(), "w").at_most(2)

@claim(**TOY)
def test_two(run):
    expect(loss(run), "loss").at_most(2)
    expect(loss(run), "again").at_most(2)

@claim(**TOY)
def test_none(run):
    loss(run)

@claim(**TOY)
def test_caught(run):
    try:
        expect(loss(run), "loss").at_most(-1)
    except AssertionError:
        pass

@claim(**{**TOY, "without": None, "not_reproduced": "too small"})
def test_open(run):
    expect(loss(run), "loss").at_most(-1)

@claim(**{**TOY, "without": None, "not_reproduced": "too small"})
def test_closed(run):
    expect(loss(run), "loss").at_most(2)
"""
CONTROL = "without-noiseless"
EXPECTED = {
    "test_holds[given]": ("HOLDS", ""),
    f"test_holds[{CONTROL}]": ("REFUTED", "claimed <= 2"),
    "test_false[given]": ("REFUTED", "loss is 0.0"),
    f"test_weak[{CONTROL}]": ("HOLDS", "the control holds: loss does not detect 'noiseless'"),
    f"test_crashing[{CONTROL}]": ("ERROR", "RuntimeError: boom"),
    f"test_undecided[{CONTROL}]": ("INCONCLUSIVE", "over 64 seeds; claimed <= 0; the limit lies in the interval"),
    f"test_inert[{CONTROL}]": ("ERROR", "control does not drop 'noiseless': noise 0 (seed 0)"),
    "test_violated[given]": (
        "ERROR",
        "'noiseless' does not hold: noise 100 (seed 0); expected: Labels carry no",
    ),
    "test_diverging[given]": ("ERROR", "training diverged: the loss is not finite for 8 of 8 seeds"),
    "test_too_large[given]": ("ERROR", "OutOfMemoryError: tried to allocate 1 TiB"),
    "test_nan_measure[given]": ("ERROR", "loss is nan at index (0,); expected finite numbers"),
    "test_shape[given]": ("ERROR", "w has shape (24,); expected one number for each of 8 seeds"),
    "test_two[given]": ("ERROR", "second expect in one claim ('again'); expected one"),
    "test_none[given]": ("ERROR", "test_none[given] ended without an expect; expected one"),
    "test_caught[given]": ("ERROR", "test_caught[given] caught the verdict REFUTED; expected it to pass through"),
    "test_open[given]": ("REFUTED", "claimed <= -1"),
    "test_closed[given]": ("HOLDS", "now comes out: remove not_reproduced='too small'"),
}
WORDS = {
    "REFUTED": "test_false[given]",
    "CONTROL HOLDS": f"test_weak[{CONTROL}]",
    "CONTROL ERROR": f"test_crashing[{CONTROL}]",
    "CONTROL INCONCLUSIVE": f"test_undecided[{CONTROL}]",
    "ERROR": "test_violated[given]",
    "NOW REPRODUCED": "test_closed[given]",
    "CONTROL REFUTED": f"test_holds[{CONTROL}]",
}


@pytest.mark.parametrize("workers", ["0", "2"])
def test_every_fault_is_a_failure_of_its_own_kind(suite, workers):
    path = suite.claims(CLAIMS)
    result = suite.run("-n", workers, "-ra", "-v")

    assert result.ret == 1
    cases = suite.cases
    assert len(cases) == 30
    for name, (verdict, reason) in EXPECTED.items():
        assert cases[name].verdict == verdict, name
        assert reason in cases[name].reason, name
    expected = {"test_holds[given]", f"test_holds[{CONTROL}]", "test_open[given]", f"test_violated[{CONTROL}]"}
    assert all(cases[name].as_expected for name in expected)
    assert not any(cases[name].as_expected for name in EXPECTED.keys() - expected)

    for word, name in WORDS.items():  # the short summary names each with its own word
        assert any(line.startswith(f"{word} test_claims.py::{name}") for line in result.outlines), word
    printed = "\n".join(result.outlines)
    for word, name in (WORDS | {"HOLDS": "test_holds[given]", "NOT REPRODUCED": "test_open[given]"}).items():
        serial, parallel = f"test_claims.py::{name} {word}", f"{word} test_claims.py::{name}"
        assert (parallel if workers == "2" else serial) in printed, word
    outcomes = result.parseoutcomes()
    assert outcomes["errors"] == 2  # at set-up: the inert control and the violated hypothesis
    assert outcomes["failed"] == 16
    assert "1 not reproduced in" in printed

    lines = path.read_text().splitlines()
    at = next(i for i, line in enumerate(lines, 1) if "the false claim" in line)
    assert f"test_claims.py:{at}: Refuted" in result.outlines
    assert "E       gen_core.errors.Refuted: loss is 0.0" in printed
    assert "expectation.py" not in printed
    assert "judging.py" not in printed


RANDOM = """
@claim(**TOY)
def test_torch(run):
    expect(loss(run) + 0.01 * torch.rand(len(run.seeds)), "loss").at_most(2)

@claim(**TOY)
def test_numpy(run):
    expect(loss(run) + 0.01 * np.random.rand(len(run.seeds)), "loss").at_most(-1)

@claim(**TOY)
def test_streams(run):
    noise = [torch.rand((), generator=each) for each in run.streams("noise")]
    expect(loss(run) + 0.01 * torch.stack(noise), "loss").at_most(2)
"""


def test_a_measure_that_draws_from_a_shared_generator_is_an_error_whatever_it_finds(suite):
    suite.claims(RANDOM)
    suite.run("-k", "given", "-p", "no:xdist")
    said = {name: (case.verdict, case.reason.partition(";")[0]) for name, case in suite.cases.items()}
    assert said["test_torch[given]"] == (
        "ERROR",
        "the measure of test_torch[given] draws from torch's global generator",
    )
    assert said["test_numpy[given]"] == (
        "ERROR",
        "the measure of test_numpy[given] draws from numpy's global generator",
    )
    assert said["test_streams[given]"] == ("HOLDS", "")
