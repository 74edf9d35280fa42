"""Faults in the judging of values over seeds."""

from tests.mutants.planting import Fault

THREE_FORMS = "claims/test_nakkiran_information_identities.py::test_performance_correlation_has_three_forms"
BULK = "claims/test_nakkiran_linear_first.py::test_the_bulk_of_early_performance_is_linear"

FAULTS = (
    Fault(
        "the mean in place of the worst case",
        "gen_core/statistics/intervals.py",
        "worst = float(x[np.argmax(np.maximum(low - x, x - high))])",
        "worst = float(x.mean())",
        red=(f"{THREE_FORMS}[mutated-wrong-in-one-seed]",),
        short=True,
    ),
    Fault(
        "the bootstrap over seeds in place of test points",
        "gen_core/measures/held_out.py",
        "return Measured(values, measure(resamples(labels.shape[1])))",
        "return Measured(values, values[torch.randint(len(values), (RESAMPLES, len(values)))])",
        red=(f"{BULK}[digits]",),
    ),
    Fault(
        "a mean of equal values is judged",
        "gen_core/expectation.py",
        "if found := ties(values):",
        "if (found := ties(values)) and len(set(values.tolist())) > 1:",
        red=(
            "tests/gen_core/test_expectation.py::test_the_share_of_a_false_claim_that_holds_on_eight_equal_values_is_none",
        ),
    ),
    Fault(
        "the error of shared test points is left out of medians",
        "gen_core/statistics/resampled.py",
        "return interval if resampled is None else _about(interval, np.median(resampled, axis=-1), level)",
        "return interval",
        red=("tests/gen_core/test_expectation.py::test_noise_of_shared_points_keeps_every_form_from_deciding",),
    ),
    Fault(
        "a median's bounds one rank too far in",
        "gen_core/statistics/intervals.py",
        "low, high = (float(x[k - 1]), float(x[-k])) if k else (-math.inf, math.inf)",
        "low, high = (float(x[k]), float(x[-k - 1])) if k else (-math.inf, math.inf)",
        red=("tests/gen_core/statistics/test_intervals.py::test_median_interval_inverts_the_sign_test",),
    ),
    Fault(
        "every look at the whole level",
        "gen_core/statistics/looks.py",
        "return level / looks",
        "return level",
        red=("tests/gen_core/statistics/test_coverage.py::test_at_the_limit_the_looks_together_keep_the_budget",),
    ),
)
