"""Faults in networks beside their linear models, as the claims of Hu et al. (2020) on trainings compare them."""

from tests.mutants.planting import Fault

OPTIMUM = "claims/test_hu_linear_optimum.py::test_network_reaches_the_linear_optimum[given]"
NEAR_OPTIMUM = "claims/test_hu_linear_optimum.py::test_network_is_near_the_linear_optimum"
OPTIMUM_TRAINING = "claims/test_hu_linear_optimum.py::test_network_reaches_the_linear_optimum_on_training_points[given]"
SECOND_OPTIMUM = (
    "claims/test_hu_second_layer_optimum.py::test_second_layer_reaches_the_linear_optimum[given]",
    "claims/test_hu_second_layer_optimum.py::test_second_layer_is_near_the_linear_optimum[given]",
)
RANDOM = "claims/test_hu_random_labels.py::test_first_layer_is_near_a_linear_model_on_random_labels[given]"
OFF_LAW = "claims/test_hu_off_the_law.py::test_agreement_does_not_improve_off_the_law[given]"
OFF_LAW_LEVEL = "claims/test_hu_off_the_law.py::test_network_differs_from_its_linear_model_off_the_law[given]"
BOTH = "claims/test_hu_both_layers.py::test_both_layers_are_near_a_linear_model[given]"
WAITS = "claims/test_hu_linear_span.py::test_progress_off_the_span_of_the_inputs_waits[given]"
COMES = "claims/test_hu_linear_span.py::test_progress_off_the_span_of_the_inputs_comes[given]"
BETTER = "claims/test_hu_leaves_the_linear_phase.py::test_network_outdoes_the_best_linear_model_later[given]"
MOVES = "claims/test_hu_leaves_the_linear_phase.py::test_tangent_kernel_moves_after_the_linear_phase[given]"
NORM = "claims/test_hu_norm_feature.py::test_the_feature_of_the_norm_is_necessary[given]"
RATES = "claims/test_hu_rates_of_layers.py::test_layers_of_two_rates_are_near_the_weighted_linear_model[given]"
LAYERWISE = "gen_core/rules/layerwise.py"
DYNAMICS = "gen_core/measures/linear_dynamics.py"
SECOND = "claims/test_hu_second_layer.py::test_second_layer_is_near_a_linear_model[given]"
NORMAL = "claims/test_hu_normal_second_layer.py::test_first_layer_below_a_normal_one_is_near_a_linear_model[given]"
ACTIVATION = "claims/test_hu_activations.py::test_networks_of_common_activations_are_near_a_linear_model"
PROGRESS = "gen_core/measures/linear_progress.py"
FEATURES = "gen_core/measures/linear_features.py"

FAULTS = (
    Fault(
        "a linear model that knows no rates of layers",
        DYNAMICS,
        "and own_rates else {}",
        "and not own_rates else {}",
        red=(RATES,),
    ),
    Fault(
        "a rule that gives every layer the same rate",
        LAYERWISE,
        "factors[name] * rate if name in factors else rate",
        "rate",
        red=(RATES,),
    ),
    Fault(
        "a linear optimum of half of the targets",
        DYNAMICS,
        "best = linear_optimum(features_of(run, run.X), run.y)",
        "best = linear_optimum(features_of(run, run.X), run.y / 2)",
        red=(f"{NEAR_OPTIMUM}[erf]", OPTIMUM, OPTIMUM_TRAINING, *SECOND_OPTIMUM),
    ),
    Fault(
        "the distance of the start to the linear optimum",
        DYNAMICS,
        "outputs = outputs_in_parts(model, run.params(), X, X.dtype).double()",
        'outputs = outputs_in_parts(model, run.params("start"), X, X.dtype).double()',
        red=(OPTIMUM, OPTIMUM_TRAINING, *SECOND_OPTIMUM),
    ),
    Fault(
        "a linear model of slope 1 in place of zeta",
        FEATURES,
        "math.sqrt((first + second) / d) * known.zeta * X",
        "math.sqrt((first + second) / d) * X",
        red=(RANDOM, BOTH, SECOND, NORMAL, f"{ACTIVATION}[tanh]", f"{ACTIVATION}[relu]"),
    ),
    Fault(
        "a linear model that learns the labels of other points",
        DYNAMICS,
        "run.y, rate, run.checkpoints)",
        "run.y.roll(1, 1), rate, run.checkpoints)",
        red=(RANDOM, BOTH),
    ),
    Fault(
        "points off the law that are on it",
        DYNAMICS,
        "AWAY = 3.0",
        "AWAY = 1.0",
        red=(OFF_LAW, OFF_LAW_LEVEL),
    ),
    Fault(
        "a discrepancy of the network to itself",
        DYNAMICS,
        "(self.net - self.linear).square().mean(-1)",
        "(self.net - self.net).square().mean(-1)",
        red=(OFF_LAW_LEVEL,),
    ),
    Fault(
        "the kernel of one layer for that of both",
        FEATURES,
        "math.sqrt((first + second) / d) * known.zeta",
        "math.sqrt(max(first, second) / d) * known.zeta",
        red=(BOTH,),
    ),
    Fault(
        "a linear model at twice the step",
        DYNAMICS,
        "run.y, rate, run.checkpoints)",
        "run.y, 2 * rate, run.checkpoints)",
        red=(BOTH, SECOND, NORMAL),
    ),
    Fault(
        "the span of the inputs for its complement",
        PROGRESS,
        "for part in (on, residuals - on)",
        "for part in (residuals - on, on)",
        red=(WAITS,),
    ),
    Fault(
        "progress as a share of what is left at the end",
        PROGRESS,
        "1 - loss / loss[:, :1]",
        "1 - loss / loss[:, -1:]",
        red=(COMES,),
    ),
    Fault(
        "the test loss at the start of the training",
        PROGRESS,
        "(run.test_outputs(), optimum)",
        '(run.test_outputs("start"), optimum)',
        red=(BETTER,),
    ),
    Fault(
        "losses that are variances of the outputs",
        PROGRESS,
        "(f - run.y_test).square()",
        "(f - f.mean()).square()",
        red=(BETTER,),
    ),
    Fault(
        "a kernel that moves up to the first checkpoint",
        PROGRESS,
        "value[row, place]",
        "value[row, 1]",
        red=(MOVES,),
    ),
    Fault(
        "a kernel's change that is its size",
        PROGRESS,
        "(after - before).norm() / before.norm()",
        "after.norm() / before.norm()",
        red=(MOVES,),
    ),
    Fault(
        "a naive linear model with the feature of the norm",
        DYNAMICS,
        "early_outputs(run), early_outputs(run, norm=False)",
        "early_outputs(run), early_outputs(run, norm=True)",
        red=(NORM,),
    ),
    Fault(
        "a feature of the norm of the wrong sign",
        FEATURES,
        "known.theta0 + known.theta1 * off",
        "known.theta0 - known.theta1 * off",
        red=(NORM,),
    ),
    Fault(
        "the constants of sigmoid for those of every activation",
        FEATURES,
        "known, d, (first, second) = constants(name)",
        'known, d, (first, second) = constants("sigmoid")',
        red=(f"{ACTIVATION}[erf]", f"{ACTIVATION}[softplus]"),
    ),
    Fault(
        "a normal second layer of variance 4",
        "gen_core/models/two_layer.py",
        "v = normal((drawn,), 1.0, generator)",
        "v = normal((drawn,), 2.0, generator)",
        red=(NORMAL,),
    ),
)
