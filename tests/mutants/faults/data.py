"""Faults in the data: leaks between training and held-out points, hypotheses that cannot fail, keys that miss code."""

from tests.mutants.planting import Fault

BULK = "claims/test_nakkiran_linear_first.py::test_the_bulk_of_early_performance_is_linear"
SLOPE = "claims/test_puzzles_slope.py::test_line_of_normalized_losses_has_a_slope_near_one"
ORDER = "claims/test_puzzles_normalized_loss.py::test_normalized_training_loss_goes_with_test_error"
FIRST_LAYER = "claims/test_hu_first_layer.py::test_first_layer_follows_a_linear_model"
KERNEL = "claims/test_hu_first_layer_kernel.py::test_first_layer_kernel_is_linear_in_the_spectral_norm"
COUPLE = "claims/test_li_liang_patterns_couple.py::test_activation_patterns_couple"
ROW_SPAN = "claims/test_theory_iii_row_span.py::test_limit_keeps_the_start_off_the_row_span"
MINIMUM_NORM = "claims/test_theory_iii_minimum_norm.py::test_descent_from_zero_finds_the_minimum_norm_interpolant"
HOMOGENEOUS = "claims/test_puzzles_homogeneity.py::test_normalized_network_decides_as_the_network_does"
CHANCE = "claims/test_theory_iii_random_labels.py::test_random_labels_have_the_largest_generalization_gap"
BREAKS = "tests/fixtures/test_broken_assumptions.py::test_a_hypothesis_fails_where_it_is_broken"
PLATEAU = (
    "claims/test_nakkiran_retention.py::test_what_the_linear_classifier_explains_plateaus_near_its_own_information"
)

FAULTS = (
    Fault(
        "held-out points of synthetic data are training points",
        "fixtures/data/synthetic.py",
        "return Data(X[:n], y[:n], X[n:], y[n:]) if len(X) > n else Data(X, y)",
        "return Data(X[:n], y[:n], X[: len(X) - n], y[: len(X) - n]) if len(X) > n else Data(X, y)",
        red=(f"{BULK}[product]",),
    ),
    Fault(
        "one held-out point in a hundred is a training point",
        "fixtures/data/synthetic.py",
        "return Data(X[:n], y[:n], X[n:], y[n:]) if len(X) > n else Data(X, y)",
        "return Data(X[:n], y[:n], X[n - (len(X) - n) // 100 :][: len(X) - n], y[n - (len(X) - n) // 100 :]"
        "[: len(X) - n]) if len(X) > n else Data(X, y)",
        red=(f"{BULK}[product]",),
    ),
    Fault(
        "digits are drawn from the held-out ones too",
        "gen_core/data/digits.py",
        "held_out, pool = ORDER[: self.n_test], ORDER[self.n_test :]",
        "held_out, pool = ORDER[: self.n_test], ORDER",
        red=(f"{BULK}[digits]", f"{SLOPE}[digits]", f"{ORDER}[digits]"),
    ),
    Fault(
        "training images from the held-out file",
        "gen_core/data/images.py",
        'places = self._places("train")\n        X, y = self._points("train", ',
        'places = self._places("test")\n        X, y = self._points("test", ',
        red=(f"{SLOPE}[mnist]",),
    ),
    Fault(
        "the reference classifier is trained on held-out points",
        "gen_core/training/batch.py",
        "            require_labels(data.y, outputs, real, self.loss)\n",
        '            if type(self.rule).__name__ == "Newton" and data.X_test is not None:\n'
        "                k = min(len(data.y), len(data.y_test))\n"
        "                data = data.but(X=data.X.clone(), y=data.y.clone())\n"
        "                data.X[:k], data.y[:k] = data.X_test[:k], data.y_test[:k]\n"
        "            require_labels(data.y, outputs, real, self.loss)\n",
        red=(f"{BULK}[digits]",),
    ),
    Fault(
        "a linear model that always starts at zero",
        "gen_core/models/two_layer.py",
        "normal((math.prod(inputs),), self.init_std, generator)",
        "normal((math.prod(inputs),), 0.0, generator)",
        red=(f"{ROW_SPAN}[momentum]",),
        short=True,
    ),
    Fault(
        "a start of m^-1/2 times 1.1",
        "gen_core/models/two_layer.py",
        "std = self.width**-0.5 if self.init_std is None else self.init_std",
        "std = 1.1 * self.width**-0.5 if self.init_std is None else self.init_std",
        red=(f"{COUPLE}[given]",),
    ),
    Fault(
        "a first layer that starts with a standard deviation of .9",
        "gen_core/models/two_layer.py",
        "W = normal((drawn, math.prod(inputs)), 1.0, generator)",
        "W = normal((drawn, math.prod(inputs)), 0.9, generator)",
        red=(f"{KERNEL}[erf]",),
        short=True,
    ),
    Fault(
        "neurons that are not quite symmetric",
        "gen_core/models/two_layer.py",
        "W, v = torch.cat([W, W]), torch.cat([v, -v])",
        "W, v = torch.cat([W, W]), torch.cat([v, -v.roll(1)])",
        red=(f"{FIRST_LAYER}[erf]",),
    ),
    Fault(
        "networks start at Xavier's variance in place of He's",
        "gen_core/models/layers.py",
        "math.sqrt(2 / (into * window))",
        "math.sqrt(2 / ((into + out) * window))",
        red=(f"{ORDER}[digits]",),
    ),
    Fault(
        "Xavier's bound is taken for the standard deviation",
        "gen_core/models/layers.py",
        "bound = math.sqrt(6 / ((into + out) * window))",
        "bound = math.sqrt(2 / ((into + out) * window))",
        red=(f"{BULK}[digits]",),
    ),
    Fault(
        "a network with biases where none are meant",
        "gen_core/models/layered.py",
        '        return "Wb" if self.bias else "W"\n',
        '        return "Wb"\n',
        red=(f"{HOMOGENEOUS}[depth-2]",),
    ),
    Fault(
        "a hypothesis that is always true",
        "fixtures/nakkiran/assumptions.py",
        'return first < 0, f"w0(1) = {first:g}"',
        'return True, f"w0(1) = {first:g}"',
        red=(f"{BREAKS}[first_coordinate_read_backwards]",),
    ),
    Fault(
        "a hypothesis of a control that is always true",
        "fixtures/theory_iii/assumptions.py",
        'return largest == 0, f"|w_0|',
        'return True, f"|w_0|',
        red=(f"{MINIMUM_NORM}[without-starts_at_zero-gd]",),
        short=True,
    ),
    Fault(
        "a hypothesis that leaks do not break",
        "fixtures/assumptions.py",
        "return found == 0, words",
        "return True, words",
        red=(f"{CHANCE}[without-held_out_apart]",),
    ),
    Fault(  # from here on faults that a stored training would hide if its key did not follow the code
        "no labels in the data of the training before",
        "gen_core/data/derived.py",
        "return data.but(y=_flipped(self.data, data.y, torch.arange(self.true, self.n)))",
        "return data.but(y=data.y * torch.nan)",
        red=(f"{PLATEAU}[without-starts_at_random-digits]",),
    ),
    Fault(
        "labels that are read backwards from their files",
        "gen_core/data/published.py",
        "    return labels\n",
        "    return labels[::-1]\n",
        red=(f"{SLOPE}[mnist]",),
    ),
    Fault(
        "float32 in place of float64",
        "gen_core/experiment.py",
        'return torch.float64 if self.dtype == "float64" else torch.float32',
        "return torch.float32",
        red=(f"{MINIMUM_NORM}[gd-nearly-square]",),
        short=True,
    ),
    Fault(
        "ascent in place of descent",
        "gen_core/training/fused.py",
        "g = g.view(f.shape).mul_(scale.view(-1, 1, 1)).mT",
        "g = g.view(f.shape).mul_(-scale.view(-1, 1, 1)).mT",
        red=(f"{MINIMUM_NORM}[gd-nearly-square]",),
    ),
)
