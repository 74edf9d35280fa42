"""Faults in what the claims of Hu et al. (2020) measure, and in their settings."""

from tests.mutants.planting import Fault

LINEAR_MODEL = "claims/test_hu_linear_model.py::test_linear_model_descends_with_its_kernel"
ZERO_START = "claims/test_hu_linear_model.py::test_network_starts_as_the_zero_function"
EVERY_STEP = "claims/test_hu_linear_model.py::test_the_discrepancy_bounds_that_of_every_step[given]"
MOSTLY = "claims/test_hu_with_high_probability.py::test_first_layer_follows_a_linear_model_with_high_probability"
KERNEL_MOSTLY = "claims/test_hu_with_high_probability.py::test_first_layer_kernel_is_linear_with_high_probability"
SPECTRAL = "claims/test_hu_first_layer_kernel.py::test_first_layer_kernel_is_linear_in_the_spectral_norm"
FROBENIUS = "claims/test_hu_first_layer_kernel.py::test_frobenius_norm_of_the_gap_does_not_decay"
DYNAMICS = "gen_core/measures/linear_dynamics.py"
FEATURES = "gen_core/measures/linear_features.py"
KERNELS = "gen_core/measures/kernels.py"

FAULTS = (
    Fault(
        "a linear model with nine tenths of the step",
        DYNAMICS,
        "run.y, rate, run.checkpoints)",
        "run.y, 0.9 * rate, run.checkpoints)",
        red=(f"{LINEAR_MODEL}[erf]",),
        short=True,
    ),
    Fault(
        "a linear model that is one step behind",
        DYNAMICS,
        "at = at - rate * (matvec(second, at) - first)",
        "at = at - rate * (t > 0) * (matvec(second, at) - first)",
        red=(f"{LINEAR_MODEL}[erf]",),
    ),
    Fault(
        "a linear model without nu",
        FEATURES,
        "nu = torch.full_like(X[..., :1], known.theta1 * math.sqrt(second_moment))",
        "nu = torch.zeros_like(X[..., :1])",
        red=(f"{LINEAR_MODEL}[relu]",),
    ),
    Fault(
        "a linear model with another activation's constants",
        FEATURES,
        "known, d, (first, second) = constants(name)",
        'known, d, (first, second) = constants("tanh")',
        red=(f"{LINEAR_MODEL}[erf]", f"{LINEAR_MODEL}[relu]"),
    ),
    Fault(
        "the discrepancy at the end in place of the largest",
        DYNAMICS,
        "return early_outputs(run).discrepancy().amax(-1)",
        "return early_outputs(run).discrepancy()[:, -1]",
        red=(EVERY_STEP,),
    ),
    Fault(
        "the discrepancy of the first checkpoints in place of the largest",
        DYNAMICS,
        "return early_outputs(run).discrepancy().amax(-1)",
        "return early_outputs(run).discrepancy()[:, 1]",
        red=(EVERY_STEP,),
    ),
    Fault(
        "a kernel without 1/m",
        KERNELS,
        ".mul_(X @ X.mT).div_(m * d)",
        ".mul_(X @ X.mT).div_(d)",
        red=(f"{FROBENIUS}[erf]", f"{KERNEL_MOSTLY}[erf]"),
    ),
    Fault(
        "a Frobenius norm that is not divided by n/d",
        KERNELS,
        "float(gap.norm()) / scale",
        "float(gap.norm())",
        red=(f"{FROBENIUS}[relu]",),
    ),
    Fault(
        "a kernel of another activation's slopes",
        KERNELS,
        "slopes = derivative(name, X @ w.mT / math.sqrt(d))",
        'slopes = derivative("tanh", X @ w.mT / math.sqrt(d))',
        red=(f"{KERNEL_MOSTLY}[relu]", f"{KERNEL_MOSTLY}[erf]"),
    ),
    Fault(
        "nu without the factor g",
        KERNELS,
        "theta1=mean(g * slope)",
        "theta1=mean(slope)",
        red=(f"{KERNEL_MOSTLY}[erf]",),
    ),
    Fault(
        "zeta of the activation and not of its slope",
        KERNELS,
        "zeta=mean(slope)",
        "zeta=mean(phi(g))",
        red=(f"{KERNEL_MOSTLY}[relu]",),
    ),
    Fault(
        "nu without the trace of the squared covariance",
        "gen_core/data/designs.py",
        "return float(self.variances.square().mean())",
        "return 0.0",
        red=(f"{SPECTRAL}[relu-mild]",),
    ),
    Fault(
        "a second half of the neurons that does not cancel the first",
        "gen_core/models/two_layer.py",
        "torch.cat([v, -v])",
        "torch.cat([v, v])",
        red=(f"{ZERO_START}[erf]",),
        short=True,
    ),
    Fault(
        "a network whose outputs are not divided by sqrt(m)",
        "gen_core/models/two_layer.py",
        'matvec(hidden, params["v"]) / math.sqrt(self.width)',
        'matvec(hidden, params["v"])',
        red=(f"{MOSTLY}[given]",),
    ),
    Fault(
        "a bounded covariance that is always true",
        "fixtures/hu/assumptions.py",
        "return norm <= BOUNDED,",
        "return True,",
        red=(f"{MOSTLY}[without-bounded_covariance]",),
    ),
)
