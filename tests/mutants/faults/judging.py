"""Faults in the judging of values over seeds."""

from tests.mutants.planting import Fault

THREE_FORMS = "claims/test_nakkiran_information_identities.py::test_performance_correlation_has_three_forms"
BULK = "claims/test_nakkiran_linear_first.py::test_the_bulk_of_early_performance_is_linear"

FAULTS = (
    Fault(
        "the mean in place of the worst case",
        "gen_core/statistics.py",
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
)
