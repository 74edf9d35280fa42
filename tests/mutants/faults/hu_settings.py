"""Faults in the settings of Hu et al. (2020): what is trained, for how long, on what labels and points."""

from tests.mutants.planting import Fault

FIRST = "claims/test_hu_first_layer.py::test_first_layer_follows_a_linear_model"
BOTH = "claims/test_hu_both_layers.py::test_both_layers_follow_a_linear_model"
SECOND = "claims/test_hu_second_layer.py::test_second_layer_follows_a_linear_model"
RANDOM = "claims/test_hu_random_labels.py::test_first_layer_follows_a_linear_model_on_random_labels"
MOSTLY = "claims/test_hu_with_high_probability.py::test_first_layer_follows_a_linear_model_with_high_probability"
TWO_LAYER = "fixtures/hu/two_layer.py"
DYNAMICS = "fixtures/hu/dynamics.py"
DESIGNS = "gen_core/data/designs.py"

FAULTS = (
    Fault(
        "both layers of which the first alone is trained",
        DYNAMICS,
        '"train": ("W", "v")}',
        '"train": ("W",)}',
        red=(f"{BOTH}[given]",),
    ),
    Fault(
        "the first layer in place of the second",
        DYNAMICS,
        '"train": ("v",), "every"',
        '"train": ("W",), "every"',
        red=(f"{SECOND}[given]",),
    ),
    Fault(
        "trainings of an eighth of T",
        TWO_LAYER,
        "steps=round(until * log(d) / rate),",
        "steps=round(until * log(d) / rate / 8),",
        red=(f"{FIRST}[relu]", f"{BOTH}[given]", f"{SECOND}[given]"),
    ),
    Fault(
        "held-out points that are training points",
        DESIGNS,
        "X[self.n :], y[self.n :]) if self.n_test",
        "X[: self.n_test], y[: self.n_test]) if self.n_test",
        red=(f"{MOSTLY}[given]",),
    ),
    Fault(
        "random labels that a network gave",
        DESIGNS,
        'if self.labels == "random":',
        "if False:",
        red=(f"{RANDOM}[given]",),
    ),
    Fault(
        "a linear phase of three steps",
        DYNAMICS,
        "quick=phases(32, 1000, 200, 30, 1,",
        "quick=phases(32, 1000, 200, 3, 1,",
        red=("claims/test_hu_linear_span.py::test_progress_off_the_span_of_the_inputs_waits[given]",),
    ),
)
