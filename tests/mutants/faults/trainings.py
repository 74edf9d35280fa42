"""Faults in the trainings: their starts, their batches, their ends, their checkpoints."""

from tests.mutants.planting import Fault

MINIMUM_NORM = "claims/test_theory_iii_minimum_norm.py::test_descent_from_zero_finds_the_minimum_norm_interpolant"
ROW_SPAN = "claims/test_theory_iii_row_span.py::test_iterates_stay_in_the_span_of_the_rows"

FAULTS = (
    Fault(
        "a linear model that starts at one",
        "gen_core/models/two_layer.py",
        'params = {"w": normal((math.prod(inputs),), self.init_std, generator).to(dtype)}',
        'params = {"w": 1 + normal((math.prod(inputs),), self.init_std, generator).to(dtype)}',
        red=(f"{MINIMUM_NORM}[gd]",),
        short=True,
    ),
)
