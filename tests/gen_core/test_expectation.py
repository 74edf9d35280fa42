"""Every expectation holds, is refuted or stays undecided where it should, with the numbers in its message."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy import stats

from gen_core import Inconclusive, InvalidClaim, Measured, Refuted, Unfinished, expect
from gen_core.judgement import Judge, judging

NEAR = torch.tensor([0.9, 1.0, 1.1, 1.0, 0.95, 1.05, 1.0, 1.0])
X = (1.0, 2.0, 4.0)
FALLING = torch.tensor([[8.0, 8.2], [4.0, 4.1], [2.0, 2.2]])
FLAT = torch.tensor([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
ALTERNATING = torch.tensor([[1.0, 2.0], [2.0, 1.0], [3.0, 0.0]])
SPREAD = torch.tensor([1.0, 1.02, 0.97, 1.05, 0.99, 1.01, 0.96, 1.03])
"""Factors that no two seeds share."""
DECAYING = torch.tensor([[8.0], [4.0], [2.0]]) * torch.stack([SPREAD, SPREAD.flip(0), 2 - SPREAD])
LEVEL = torch.ones(3, 1) * torch.stack([SPREAD, SPREAD.flip(0), 2 - SPREAD])
NEAR_ONE = 1 - 10.0 ** -torch.tensor([2.9, 3.1, 3.0, 2.8, 3.3, 3.2, 2.7, 3.05])

HELD = [
    ("at_most", NEAR, (1.5,), {}),
    ("at_least", NEAR, (0.5,), {}),
    ("between", NEAR, (0.5, 1.5), {}),
    ("always_at_most", NEAR, (1.2,), {}),
    ("always_at_least", NEAR, (0.8,), {}),
    ("always_between", NEAR, (0.8, 1.2), {}),
    ("always_between", NEAR * 0 + 1, (0.8, 1.2), {}),
    ("typically_at_most", NEAR, (1.5,), {}),
    ("typically_at_least", NEAR, (0.5,), {}),
    ("typically_between", NEAR, (0.5, 1.5), {}),
    ("typically_at_most", NEAR * 0 + 1, (1.5,), {}),
    ("mostly_at_most", NEAR.repeat(8), (1.05,), {"share": 0.6}),
    ("mostly_at_least", NEAR.repeat(8), (0.95,), {"share": 0.6}),
    ("decays_in", DECAYING, (X,), {"exponent_at_most": -0.5}),
    ("grows_in", 1 / DECAYING, (X,), {"exponent_at_least": 0.5}),
    ("scales_in", DECAYING, (X,), {"exponent_between": (-1.2, -0.8)}),
    ("increases_in", 1 / DECAYING, (X,), {}),
    ("decreases_in", DECAYING, (X,), {}),
]
REFUTED = [
    ("at_most", NEAR, (0.5,), {}, r"q is 1 \[0.9\d+, 1.0\d+\] over 8 seeds; claimed <= 0.5"),
    ("at_least", NEAR, (1.5,), {}, "claimed >= 1.5"),
    ("between", NEAR, (1.5, 2.0), {}, r"claimed in \[1.5, 2\]"),
    ("always_at_most", NEAR, (1.0,), {}, r"q is 1.1 \[1.1, 1.1\] over 8 seeds; claimed <= 1 in every seed"),
    ("always_at_least", NEAR, (0.95,), {}, "claimed >= 0.95 in every seed"),
    ("mostly_at_most", NEAR.repeat(8), (0.5,), {"share": 0.5}, "claimed <= 0.5 in at least 50% of seeds"),
    ("mostly_at_least", NEAR.repeat(8), (1.5,), {"share": 0.5}, "claimed >= 1.5 in at least 50% of seeds"),
    ("always_between", NEAR, (0.95, 1.5), {}, r"q is 0.9 .*claimed in \[0.95, 1.5\] in every seed"),
    ("typically_at_most", NEAR, (0.5,), {}, "q is 1 .*; claimed <= 0.5 in the median"),
    ("typically_at_least", NEAR, (1.5,), {}, "claimed >= 1.5 in the median"),
    ("typically_between", NEAR, (1.5, 2.0), {}, r"claimed in \[1.5, 2\] in the median"),
    ("decays_in", DECAYING, (X,), {"exponent_at_most": -1.5}, "claimed exponent <= -1.5"),
    ("grows_in", LEVEL, (X,), {"exponent_at_least": 0.5}, "claimed exponent >= 0.5"),
    ("scales_in", LEVEL, (X,), {"exponent_between": (-1.2, -0.8)}, r"claimed exponent in \[-1.2, -0.8\]"),
    ("increases_in", FLAT.repeat(1, 8), (X,), {}, "claimed rank correlation > 0"),  # what does not move has no trend
    ("decreases_in", FLAT.repeat(1, 8), (X,), {}, "claimed rank correlation < 0"),
]
UNDECIDED = [
    ("at_most", NEAR, (1.001,), {}, "limit lies in the interval; .* about [0-9]+ seeds .*headroom of 0.017 sd"),
    ("at_most", NEAR, (1.0,), {}, "limit lies in the interval; .* headroom of .* sd"),
    ("mostly_at_most", NEAR, (1.2,), {"share": 0.9}, "the limit lies in the interval; a decision needs about 51 seeds"),
    ("typically_at_most", NEAR, (1.0,), {}, "lies in the interval; a decision needs about [0-9]+ seeds"),
    ("typically_at_most", NEAR[:4], (2.0,), {}, r"q is 1 \[-inf, inf\] over 4 seeds"),
    ("increases_in", ALTERNATING, (X,), {}, "claimed rank correlation > 0; the limit lies in the interval"),
]
INVALID = [
    ("at_most", FALLING, (1.0,), {}, r"q has shape \(3, 2\); expected one number per seed, \(seeds,\)"),
    ("decays_in", NEAR, (X,), {"exponent_at_most": -1}, r"q has shape \(8,\); expected \(3 settings, seeds\)"),
    ("increases_in", FALLING, ((1.0, 2.0),), {}, r"q has shape \(3, 2\); expected \(2 settings, seeds\)"),
    ("between", NEAR, (2.0, 1.0), {}, r"q in \[2, 1\]; expected the lower limit first"),
    ("typically_between", NEAR, (2.0, 1.0), {}, r"q in \[2, 1\]; expected the lower limit first"),
    ("always_between", NEAR, (1.0, 1.0), {}, r"q in \[1, 1\]; expected the lower limit first"),
    (
        "at_most",
        NEAR * 0 + 1,
        (2.0,),
        {},
        "q: all 8 values are equal, .*expected always_.*typically_.*mostly_",
    ),
    ("at_most", (NEAR > 1).double(), (2.0,), {}, "q: 8 seeds have only two different values"),
    ("at_least", NEAR.clip(max=1), (0.0,), {}, "q: 6 of 8 values are equal"),
    ("decays_in", FLAT, (X,), {"exponent_at_most": 1.0}, "q: all 2 values are equal"),
    *[
        ("at_most", NEAR, (limit,), {}, re.escape(f"q has the limit {limit!r}; expected a finite number"))
        for limit in ("1", None, torch.nan, True, [1.0])
    ],
    ("at_least", NEAR, (torch.ones(8),), {}, r"q has the limit tensor.*; expected a finite number"),
    ("between", NEAR, (None, 1), {}, "q has the limit None"),
    ("always_between", NEAR, (torch.nan, 1), {}, "q has the limit nan"),
    ("mostly_at_least", NEAR, (1,), {"share": "a"}, "q has the share of seeds 'a'; expected a finite number"),
    ("mostly_at_most", NEAR, (None,), {"share": 0.5}, "q has the limit None; expected a finite number"),
    ("at_most", NEAR[:1], (1,), {}, "q of one seed; expected two or more, for an interval of their mean"),
    ("grows_in", DECAYING[:, :1], (X,), {"exponent_at_least": 1}, "q of one seed; expected two or more"),
    ("scales_in", DECAYING, (X,), {"exponent_between": 1}, r"q has exponent_between 1; expected two limits, \(a, b\)"),
    ("grows_in", DECAYING, (X,), {"exponent_at_least": None}, "q has the limit None"),
    *[
        (method, DECAYING, (x,), options, "q along x .*; expected two or more different finite numbers, ")
        for method, options in (("increases_in", {}), ("scales_in", {"exponent_between": (0, 1)}))
        for x in ((1, 1, 1), (1, torch.nan, 2), (1,), None, (i for i in X), "abc", ())
    ],
    ("mostly_at_most", NEAR, (1.0,), {"share": 1.0}, r"share 1 of seeds; expected a number in \(0, 1\)"),
]


@pytest.mark.parametrize(("method", "values", "limits", "options"), HELD)
def test_what_is_within_its_tolerance_holds(method, values, limits, options):
    judge = Judge(level=0.01)
    with judging(judge):
        getattr(expect(values, "q"), method)(*limits, **options)
    assert [judgement.verdict for judgement in judge.judgements] == ["HOLDS"]


@pytest.mark.parametrize(("method", "values", "limits", "options", "message"), REFUTED)
def test_what_is_beyond_its_tolerance_is_refuted(method, values, limits, options, message):
    with pytest.raises(Refuted, match=message):
        getattr(expect(values, "q"), method)(*limits, **options)


@pytest.mark.parametrize(("method", "values", "limits", "options", "message"), UNDECIDED)
def test_what_cannot_be_told_says_what_a_decision_takes(method, values, limits, options, message):
    with pytest.raises(Inconclusive, match=message):
        getattr(expect(values, "q"), method)(*limits, **options)


@pytest.mark.parametrize(("method", "values", "limits", "options", "message"), INVALID)
def test_a_wrong_shape_or_limit_is_a_mistake_of_the_claim(method, values, limits, options, message):
    with pytest.raises(InvalidClaim, match=message):
        getattr(expect(values, "q"), method)(*limits, **options)


@pytest.mark.parametrize("values", [[], 0.5, torch.tensor(1.0), NEAR.mean(), [[1.0], [1.0, 2.0]], None, {"a": 1}])
def test_what_is_no_number_per_seed_is_refused(values):
    with pytest.raises(InvalidClaim, match=r"^q has|^q .*; expected one number per seed") as caught:
        expect(values, "q")
    assert "\n" not in str(caught.value)


def test_a_name_is_text():
    with pytest.raises(InvalidClaim, match=r"^name of what is expected 3; expected text$"):
        expect(NEAR, 3)


@pytest.mark.parametrize("change", [torch.Tensor.bfloat16, torch.Tensor.half, torch.Tensor.to_sparse])
@pytest.mark.parametrize("limit", [1.5, np.float32(1.5), torch.tensor(1.5)])
def test_numbers_of_every_kind_are_judged(change, limit):
    judgement = expect(change(NEAR), "q").at_most(limit)
    assert (judgement.holds, judgement.high_limit, type(judgement.high_limit)) == (True, 1.5, float)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (([1.0], [[1.0]]), "values of type list; expected a tensor"),
        ((NEAR, None), "resampled of type NoneType; expected a tensor"),
        ((NEAR, NEAR[None] + 1), r"resampled of shape \(1, 8\); expected two or more resamples"),
    ],
)
def test_a_measure_on_shared_points_has_tensors_and_resamples(parts, message):
    with pytest.raises(InvalidClaim, match=message):
        Measured(*parts)


def test_a_value_that_is_not_finite_or_has_no_logarithm_is_unfinished():
    with pytest.raises(Unfinished, match=r"q is nan at index \(1,\); expected finite numbers"):
        expect(torch.tensor([1.0, torch.nan]), "q")
    with pytest.raises(Unfinished, match=r"q is inf at index \(0, 1\)"):
        expect(torch.tensor([[1.0, torch.inf]]), "q")
    with pytest.raises(Unfinished, match=r"q: no exponent can be fitted .*a positive number"):
        expect(FALLING - 2, "q").decays_in(X, exponent_at_most=-1)


def test_there_is_one_number_for_every_seed_of_the_run():
    with judging(Judge(seeds=8)):
        expect(NEAR, "q").at_most(2)
    with judging(Judge(seeds=8)), pytest.raises(InvalidClaim, match=r"q has shape \(16,\); .* for each of 8 seeds"):
        expect(NEAR.repeat(2), "q")
    with judging(Judge(seeds=2)), pytest.raises(Inconclusive):
        expect(FALLING, "q").decreases_in(X)


def test_one_claim_has_one_expectation():
    with judging(Judge()):
        expect(NEAR, "q").at_most(2)
        with pytest.raises(InvalidClaim, match="second expect in one claim"):
            expect(NEAR, "r").at_most(2)
    expect(NEAR, "q").at_most(2)  # outside of a claim every call has a judge of its own
    expect(NEAR, "q").at_most(2)


def test_the_interval_is_students_at_the_judges_level():
    judge = Judge(level=0.003)
    with judging(judge):
        expect(NEAR.numpy(), "q").at_most(np.float32(2))
    (judgement,) = judge.judgements
    expected = stats.t.interval(1 - 2 * 0.003, 7, NEAR.numpy().mean(), stats.sem(NEAR.numpy()))
    assert (judgement.interval.low, judgement.interval.high) == pytest.approx(expected, rel=1e-6)
    assert judgement.headroom == pytest.approx((2 - NEAR.mean().item()) / NEAR.std().item(), rel=1e-6)
    assert [type(v) for v in (judgement.high_limit, *judgement.values)] == [float] * 9
    assert judgement.low_limit is None


def test_shared_points_widen_the_interval():
    judge, alone = Judge(level=0.003), Judge(level=0.003)
    resampled = NEAR + torch.randn(200, 1, generator=torch.Generator().manual_seed(1))
    with judging(alone):
        expect(NEAR, "q").at_most(9)
    with judging(judge):
        expect(Measured(NEAR, resampled), "q").at_most(9)
    narrow, wide = alone.judgements[0].interval, judge.judgements[0].interval
    assert wide.estimate == narrow.estimate
    t = stats.t.isf(0.003, 199) * resampled.mean(1).std().item()
    assert wide.high - wide.estimate == pytest.approx(np.hypot(t, narrow.high - narrow.estimate), rel=1e-6)


ALONG = {"decays_in": {"exponent_at_most": -0.5}, "decreases_in": {}}
AT_LIMIT = {
    "at_most": (2.0,),
    "between": (0.0, 2.0),
    "typically_at_most": (2.0,),
    "always_at_most": (2.0,),
    "mostly_at_most": (2.0,),
}


@pytest.mark.parametrize("method", [*AT_LIMIT, *ALONG])
def test_noise_of_shared_points_keeps_every_form_from_deciding(method):
    values = DECAYING if method in ALONG else SPREAD
    limits = (X,) if method in ALONG else AT_LIMIT[method]
    options = ALONG.get(method, {"share": 0.5} if method == "mostly_at_most" else {})
    noise = torch.randn(200, *values.shape, generator=torch.Generator().manual_seed(2))
    quiet, loud = (Measured(values, (values.log() + sd * noise).exp()) for sd in (1e-6, 10.0))
    getattr(expect(quiet, "q"), method)(*limits, **options)
    with pytest.raises(Inconclusive, match="claimed"):
        getattr(expect(loud, "q"), method)(*limits, **options)


def test_resamples_have_the_shape_of_the_values():
    with pytest.raises(InvalidClaim, match=r"q is resampled with shape \(200,\); expected \(resamples, ...\)"):
        expect(Measured(NEAR, torch.zeros(200)), "q")
    with pytest.raises(Unfinished, match=r"resampled q is nan at index \(1, 0\)"):
        expect(Measured(NEAR, torch.stack([NEAR, NEAR * torch.nan])), "q")


def test_a_scale_changes_what_is_averaged_and_keeps_plain_units():
    judge = Judge(level=0.003)
    with judging(judge):
        expect(NEAR_ONE, "R^2", scale="-log(1 - x)").at_least(0.99)
    (judgement,) = judge.judgements
    u = -np.log1p(-NEAR_ONE.double().numpy())
    expected = stats.t.interval(1 - 2 * 0.003, 7, u.mean(), stats.sem(u))
    assert judgement.scaled == pytest.approx((u.mean(), *expected))
    back = 1 - np.exp(-np.array(judgement.scaled))
    assert (judgement.interval.estimate, judgement.interval.low, judgement.interval.high) == pytest.approx(tuple(back))
    assert (judgement.low_limit, judgement.scale) == (0.99, "-log(1 - x)")
    assert judgement.headroom == pytest.approx((u.mean() - np.log(100)) / u.std(ddof=1))
    assert re.search(r"R\^2 is 0.99\d* \[.*\] over 8 seeds \(-log\(1 - x\): 6.9\d* \[", judgement.sentence())
    assert judgement.tolerance == ">= 0.99, as the mean of -log(1 - x)"


def test_a_scale_carries_shared_points_along():
    resampled = NEAR_ONE - 0.0005 * torch.rand(200, 1, generator=torch.Generator().manual_seed(1))
    narrow, wide = Judge(), Judge()
    for judge, values in ((narrow, NEAR_ONE), (wide, Measured(NEAR_ONE, resampled))):
        with judging(judge):
            expect(values, "R^2", scale="-log(1 - x)").at_least(0.9)
    assert wide.judgements[0].interval.low < narrow.judgements[0].interval.low


@pytest.mark.parametrize(
    ("scale", "method", "values", "message"),
    [
        ("log10", "at_most", NEAR, r"q on the scale 'log10'; expected '-log\(1 - x\)' or 'artanh\(x\)' or"),
        ("artanh(x)", "at_most", NEAR, r"q: 1\S* has no artanh\(x\); expected values between -1 and 1; or a median"),
        ("log(x)", "typically_at_most", NEAR, "q: a scale changes the mean alone; expected at_most, at_least"),
        ("log(x)", "always_at_most", NEAR, "q: a scale changes the mean alone"),
        ("log(x)", "at_most", NEAR * 0 + 1, "q: all 8 values are equal"),
    ],
)
def test_a_scale_that_does_not_suit_is_refused(scale, method, values, message):
    with pytest.raises(InvalidClaim, match=message):
        getattr(expect(values, "q", scale=scale), method)(0.5)


def test_a_form_that_cannot_decide_by_the_last_look_is_refused():
    many = torch.linspace(0, 1, 64)
    with (
        judging(Judge(level=1e-5, seeds=64, most=64)),
        pytest.raises(
            InvalidClaim, match=r"q: mostly of 0\.9 of the seeds can HOLD from 110 seeds on at a level of 1e-05"
        ),
    ):
        expect(many, "q").mostly_at_most(2, share=0.9)
    with judging(Judge(level=1e-5, seeds=8, most=8)), pytest.raises(InvalidClaim, match="can HOLD from 17 seeds on"):
        expect(many[:8], "q").typically_at_most(2)
    with judging(Judge(level=1e-5, seeds=8, most=64)), pytest.raises(Inconclusive):
        expect(many[:8], "q").typically_at_most(2)


def test_the_share_of_a_false_claim_that_holds_on_eight_equal_values_is_none():
    rng, held = np.random.default_rng(0), 0
    for values in (rng.random((2000, 8)) < 0.1).astype(float):
        try:
            expect(values, "q").at_most(0.05)
            held += 1
        except (InvalidClaim, Inconclusive, Refuted):
            pass
    assert held == 0


NO_NUMBERS = {
    "complex tensor": (
        NEAR + 1e9j,
        r"q has values of type torch\.complex64; expected real numbers: take \.real or abs",
    ),
    "complex array": (NEAR.numpy() + 1j, r"q has values of type complex64; .* take \.real or abs\(\)"),
    "masked": (np.ma.masked_less(NEAR.numpy(), 1), "q has values of type masked float32; expected real numbers: conv"),
    "one masked": ([*NEAR.tolist()[1:], np.ma.masked], "type masked float64"),
    "text": ([str(v) for v in NEAR.tolist()], r"type <U\d+; expected real numbers: convert them to float first"),
    "one text": ([*NEAR.tolist()[1:], "1.0"], "type <U3"),
    "bool tensor": (NEAR > 0, r"type torch\.bool; expected real numbers: take a share per seed, or judge the quantity"),
    "bool array": (NEAR.numpy() > 0, "type bool; expected real numbers: take a share per seed"),
    "one bool": ([*NEAR.tolist()[1:], True], "type bool"),
    "objects": (np.array([*NEAR.tolist()[1:], None]), "type object"),
    "times": (np.zeros(8, "datetime64[s]"), "type datetime64"),
    "resampled": (Measured(NEAR, NEAR + 0j), r"type torch\.complex64"),
}


@pytest.mark.parametrize("values", NO_NUMBERS)
def test_what_is_no_real_number_is_refused(values):
    given, message = NO_NUMBERS[values]
    with judging(Judge(0.005, 8)), pytest.raises(InvalidClaim, match=message) as refused:
        expect(given, "q").at_most(1e12)
    assert "\n" not in str(refused.value)


COMES_AS = {
    "array": torch.Tensor.numpy,
    "list": torch.Tensor.tolist,
    "tensors": list,
    "with a gradient": lambda v: v.clone().requires_grad_(),
    "numpy scalars": lambda v: [np.float32(x) for x in v],
    "ints": lambda v: v.int(),
}


@pytest.mark.parametrize("form", COMES_AS)
def test_real_numbers_are_judged_in_whatever_they_come(form):
    expect(COMES_AS[form](NEAR), "q").always_at_most(3)


OUTSIDE = """
from gen_core import expect

values = [0.9, 1.0, 1.1, 1.0, 0.95, 1.05, 1.0, 1.0]
for limit in (1.5, 1.001, 0.5):
    judgement = expect(values, "q").at_most(limit)
    print(bool(judgement), judgement.holds, judgement.verdict, judgement.interval.n)
    print(judgement)
    print(repr(judgement) == str(judgement))
print(expect([[8, 8.2, 8.1], [4, 4.1, 4.2], [2, 2.2, 2.1]], "r").decays_in((1, 2, 4), exponent_at_most=-0.5).holds)
print(expect(values, "q").at_most(1.5).interval)
"""


def outside_pytest(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The code in a Python of its own, where no test runs."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**kept, **environment})


def test_outside_pytest_every_verdict_is_returned_and_none_is_raised():
    done = outside_pytest(OUTSIDE)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0::3][:3] == ["True True HOLDS 8", "False False INCONCLUSIVE 8", "False False REFUTED 8"]
    assert re.fullmatch(r"HOLDS: q is 1 \[0.9\d+, 1.0\d+\] over 8 seeds; claimed <= 1.5", lines[1])
    assert re.fullmatch(r"INCONCLUSIVE: .* claimed <= 1.001; the limit lies in .* needs about \d+ seeds .*", lines[4])
    assert lines[7].startswith("REFUTED: q is 1 ")
    assert lines[2::3][:3] == ["True"] * 3
    assert lines[9] == "True"
    low, high = stats.t.interval(0.99, 7, NEAR.double().mean(), stats.sem(NEAR.double()))  # .005 per side
    assert f"low={low:.6}"[:-1] in lines[10]
    assert f"high={high:.6}"[:-1] in lines[10]


@pytest.mark.parametrize("limit", [0.5, 1.001])
def test_no_verdict_is_lost_in_a_test_or_in_what_a_test_starts(limit):
    done = outside_pytest(OUTSIDE.replace("(1.5, 1.001, 0.5)", f"({limit},)"), PYTEST_CURRENT_TEST="a (call)")
    assert ("Refuted: q is 1" if limit == 0.5 else "Inconclusive: q is 1") in done.stderr
    assert done.stdout == ""


def test_a_test_that_is_no_claim_fails_by_its_verdict(pytester):
    pytester.makepyfile(
        "from gen_core import expect\n\n"
        "def test_refuted():\n    expect([1.0, 2.0, 3.0, 4.0], 'q').always_at_most(2)\n\n"
        "def test_holds():\n    assert expect([1.0, 2.0, 3.0, 4.0], 'q').always_at_most(4).holds\n"
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*Refuted: q is 4 * claimed <= 2 in every seed"])
