"""Faults in what the claims of Hu et al. (2020) measure of kernels, and in their settings."""

from tests.mutants.planting import Fault

MOVES = "claims/test_hu_weights_hardly_move.py"
TOP = "claims/test_hu_largest_eigenvalue.py"
ADD = "claims/test_hu_kernels_add.py"
ZERO = "claims/test_hu_zero_start.py"
PARTS = "claims/test_hu_kernel_parts.py"
SECOND_LAYER = "claims/test_hu_second_layer_kernel.py"
SECOND = f"{SECOND_LAYER}::test_second_layer_kernel_is_linear"
SECOND_WITH_MEAN = (
    "claims/test_hu_second_layer_kernel_with_mean.py::"
    "test_second_layer_kernel_is_linear_where_the_activation_has_a_mean[given]"
)
NEAR_SECOND = f"{SECOND_LAYER}::test_second_layer_kernel_is_near_the_linear_one_at_the_largest_dimension"
POINTS = "claims/test_hu_concentration.py"
CONVOLUTION = "claims/test_hu_convolutional_kernel.py"
DEEP = "claims/test_hu_deep_kernel.py"
OF_LAYERS = "gen_core/measures/two_layer_kernels.py"
INFINITE = "gen_core/measures/infinite_width.py"
CONCENTRATION = "gen_core/measures/concentration.py"
FEATURES = "gen_core/measures/linear_features.py"

FAULTS = (
    Fault(
        "a change of the kernel since the end",
        OF_LAYERS,
        'zip(run.X, run.initial("W"), run.weights("W"), strict=True)',
        'zip(run.X, run.weights("W"), run.weights("W"), strict=True)',
        red=(f"{MOVES}::test_tangent_kernel_hardly_changes[given]",),
    ),
    Fault(
        "a change of the kernel to another seed's end",
        OF_LAYERS,
        'zip(run.X, run.initial("W"), run.weights("W"), strict=True)',
        'zip(run.X, run.initial("W"), run.weights("W").roll(1, 0), strict=True)',
        red=(f"{MOVES}::test_tangent_kernel_changes_little_at_the_largest_dimension[erf]",),
    ),
    Fault(
        "a move of the weights that is not divided by their norm",
        "gen_core/measures/interpolation.py",
        "(a - b).norm(dim=-1) / b.norm(dim=-1)",
        "(a - b).norm(dim=-1)",
        red=(f"{MOVES}::test_weights_hardly_move[erf]",),
    ),
    Fault(
        "a largest eigenvalue that is not divided by n",
        OF_LAYERS,
        "spectral_norm(second_layer_kernel(X, _weights(run), name).cpu()) / len(X)",
        "spectral_norm(second_layer_kernel(X, _weights(run), name).cpu())",
        red=(f"{TOP}::test_largest_eigenvalue_is_of_order_n_with_a_mean[relu]",),
    ),
    Fault(
        "a second layer's kernel of slopes",
        OF_LAYERS,
        "hidden = activation(name)(X @ w.mT / math.sqrt(d))",
        "hidden = kernels.derivative(name, X @ w.mT / math.sqrt(d))",
        red=(
            f"{TOP}::test_largest_eigenvalue_decays_without_a_mean[erf]",
            f"{ADD}::test_kernels_of_the_layers_add[erf]",
        ),
    ),
    Fault(
        "a second layer's kernel without 1/m",
        OF_LAYERS,
        "return kernel.div_(m)",
        "return kernel",
        red=(f"{TOP}::test_largest_eigenvalue_is_that_of_the_mean[relu]", f"{SECOND}[given]", SECOND_WITH_MEAN),
    ),
    Fault(
        "a second linear kernel without a mean",
        OF_LAYERS,
        "known.theta0 + known.theta1 * longer",
        "known.theta1 * longer",
        red=(SECOND_WITH_MEAN,),
    ),
    Fault(
        "a second linear kernel with the constant of the first",
        OF_LAYERS,
        "known.theta1**2 * second_moment / 2",
        "known.theta1**2 * second_moment",
        red=(f"{ADD}::test_linear_kernels_of_the_layers_add[relu]",),
    ),
    Fault(
        "a second linear kernel of half the slope",
        OF_LAYERS,
        "linear = (known.zeta**2 * (X @ X.mT))",
        "linear = (known.zeta**2 / 2 * (X @ X.mT))",
        red=(f"{NEAR_SECOND}[given]", f"{ADD}::test_linear_kernels_of_the_layers_add[erf]"),
    ),
    Fault(
        "a copy that counts half",
        "gen_core/models/copies.py",
        "self.model.forward(own, X) - self.model.forward(copy, X)",
        "self.model.forward(own, X) - self.model.forward(copy, X) / 2",
        red=(f"{ZERO}::test_subtracting_the_start_has_the_same_effect[erf]",),
    ),
    Fault(
        "a symmetric start of twice the weights in its second half",
        "gen_core/models/two_layer.py",
        "torch.cat([W, W])",
        "torch.cat([W, 2 * W])",
        red=(f"{ZERO}::test_symmetric_initialization_does_not_alter_the_kernel[erf]",),
    ),
    Fault(
        "an expected kernel of erf with three quarters of its size",
        INFINITE,
        ".rsqrt_().mul_(product).mul_(4 / math.pi)",
        ".rsqrt_().mul_(product).mul_(3 / math.pi)",
        red=(f"{PARTS}::test_kernel_is_near_its_expectation[erf]",),
    ),
    Fault(
        "an expected kernel of relu over all directions",
        INFINITE,
        "(math.pi - angle).div_(2 * math.pi)",
        "(math.pi - angle).div_(math.pi)",
        red=(f"{PARTS}::test_kernel_is_near_its_expectation[relu]", f"{PARTS}::test_expected_kernel_is_linear[relu]"),
    ),
    Fault(
        "norms that are not squared",
        CONCENTRATION,
        "(X.square().sum(-1) / X.shape[1] - 1)",
        "(X.square().sum(-1).sqrt() / X.shape[1] - 1)",
        red=(f"{POINTS}::test_norms_concentrate[normal]",),
    ),
    Fault(
        "inner products of points with themselves",
        CONCENTRATION,
        ".fill_diagonal_(0)",
        "",
        red=(f"{POINTS}::test_inner_products_are_below_three_times_their_order[normal]",),
    ),
    Fault(
        "a convolutional kernel of the second layer alone",
        INFINITE,
        "kernel.add_(values).addcmul_(C, slopes)",
        "kernel.add_(values)",
        red=(f"{CONVOLUTION}::test_convolutional_kernel_is_linear[given]",),
    ),
    Fault(
        "patches that are not divided by q",
        INFINITE,
        "C = patch @ patch.mT / q",
        "C = patch @ patch.mT",
        red=(f"{CONVOLUTION}::test_convolutional_kernel_is_linear[given]",),
    ),
    Fault(
        "a deep kernel without its last layer's outputs",
        INFINITE,
        "kernel = slopes.mul_(kernel).add_(covariance)",
        "kernel = slopes.mul_(kernel)",
        red=(f"{DEEP}::test_kernel_of_four_hidden_layers_is_linear[signs]",),
    ),
    Fault(
        "a slope of as many layers as are hidden",
        INFINITE,
        "return (hidden + 1) * slopes",
        "return hidden * slopes",
        red=(f"{DEEP}::test_kernel_of_four_hidden_layers_is_linear[signs]",),
    ),
    Fault(
        "features of both layers with the whole constant of each",
        FEATURES,
        "math.sqrt((first + second / 2) / d) * nu",
        "math.sqrt((first + second) / d) * nu",
        red=(f"{ADD}::test_linear_kernels_of_the_layers_add[relu]",),
    ),
    Fault(
        "a feature of the norm that is weighed by the rate and not by its root",
        FEATURES,
        "math.sqrt(second) * of_norm",
        "second * of_norm",
        red=(f"{ADD}::test_linear_kernels_of_the_layers_add[relu]",),
    ),
    Fault(
        "a feature of the norm without its square",
        FEATURES,
        " + known.theta2 * off.square()",
        "",
        red=(f"{ADD}::test_linear_kernels_of_the_layers_add[softplus]",),
    ),
    Fault(
        "a feature of the squared norm",
        FEATURES,
        "X.norm(dim=-1, keepdim=True) / math.sqrt(d) - 1 if",
        "X.square().sum(-1, keepdim=True) / d - 1 if",
        red=(f"{ADD}::test_linear_kernels_of_the_layers_add[relu]",),
    ),
)
