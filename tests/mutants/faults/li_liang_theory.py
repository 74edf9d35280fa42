"""Faults in the measures and settings of the theory of Li & Liang (2018), sections 3 to 6, and of its iterations."""

from tests.mutants.planting import Fault

PSEUDO = "gen_core/measures/pseudo_network.py"
HELD_OUT = "gen_core/measures/held_out.py"
STRUCTURE = "fixtures/li_liang/structure.py"
PROTOTYPES = "fixtures/li_liang/prototypes.py"
ITERATIONS = "fixtures/li_liang/iterations.py"
WIDTH = "claims/test_li_liang_iterations_and_width.py::test_iterations_do_not_depend_on_width"
DIMENSION = "claims/test_li_liang_dimension_free.py::test_iterations_do_not_depend_on_dimension"
IMAGES = "claims/test_li_liang_mnist_iterations.py"
COUPLES = "claims/test_li_liang_pseudo_network.py"
COUPLES_MORE = f"{COUPLES}::test_wider_networks_are_nearer_to_their_pseudo_networks"
COUPLES_TIGHTLY = f"{COUPLES}::test_what_is_learned_is_learned_by_the_pseudo_network"
LOW_RANK = "claims/test_li_liang_low_rank_updates.py"
DECIDES = "claims/test_li_liang_small_update_decides.py::test_small_update_decides"
LARGE = "claims/test_li_liang_pseudo_gradient.py::test_pseudo_gradient_is_large_while_the_error_is"
OF_ORDER = "claims/test_li_liang_pseudo_gradient.py::test_pseudo_gradient_of_most_units_is_of_the_order_of_the_error"
FALLS = "claims/test_li_liang_convergence.py::test_error_falls_at_least_like_the_root_of_time"
INVERSE = "claims/test_li_liang_convergence.py::test_iterations_are_inverse_to_rate_times_width"
UNITS = "claims/test_li_liang_coupled_units.py"
UNITS_FALL = f"{UNITS}::test_uncoupled_units_fall_like_the_root_of_width"
BOUNDED = f"{UNITS}::test_uncoupled_units_are_no_more_than_the_bound"
DIFFER = f"{UNITS}::test_gradients_differ_where_a_pattern_has_changed"
DISTANCE = "claims/test_li_liang_structure_and_distance.py"
GAP = "claims/test_li_liang_separation.py::test_gap_of_the_update_falls_with_the_spread"
LABELS = "claims/test_li_liang_arbitrary_labels.py"
XOR = "claims/test_li_liang_xor.py"

FAULTS = (
    Fault(
        "held-out labels of another seed",
        HELD_OUT,
        "(y > 0 if y.is_floating_point() else y).unsqueeze(1)",
        "(y > 0 if y.is_floating_point() else y).roll(1, 0).unsqueeze(1)",
        red=(f"{WIDTH}[given]", f"{DIMENSION}[given]"),
    ),
    Fault(
        "a rate that falls like the root of width alone",
        ITERATIONS,
        "return 1 / width",
        "return 1 / (250 * width) ** 0.5",
        red=(f"{WIDTH}[given]",),
    ),
    Fault(
        "a rate that does not grow with the dimension",
        ITERATIONS,
        "along_dimensions(lambda d: d / 32 / MIDDLE)",
        "along_dimensions(lambda d: 1.001 / MIDDLE)",
        red=(f"{DIMENSION}[without-rate_of_one_over_width]",),
    ),
    Fault(
        "means that shrink with the dimension",
        "fixtures/data/synthetic.py",
        "means = torch.randn(kl, self.d, generator=generator) * (self.sigma0 / sqrt(self.d))",
        "means = torch.randn(kl, self.d, generator=generator) * (self.sigma0 / self.d)",
        red=(f"{DIMENSION}[given]",),
    ),
    Fault(
        "images at one rate for all widths",
        ITERATIONS,
        "rate: Callable[[int], float] = lambda m: 10 / m",
        "rate: Callable[[int], float] = lambda m: 10 / 4_000",
        red=(f"{IMAGES}::test_iterations_do_not_depend_on_width_on_mnist[given]",),
    ),
    Fault(
        "the energy of the top in place of the rest's",
        IMAGES,
        "return 1 - leading_energy(update_spectrum(run), PATTERNS)",
        "return leading_energy(update_spectrum(run), PATTERNS)",
        red=(f"{IMAGES}::test_low_rank_is_more_evident_in_wider_networks_on_mnist",),
    ),
    Fault(
        "a pseudo-network with the patterns of the network",
        PSEUDO,
        "(affine(X, W, None) * (affine(X, start, None) > 0), a, None)",
        "(affine(X, W, None) * (affine(X, W, None) > 0), a, None)",
        red=(f"{COUPLES_MORE}[given]", f"{COUPLES_TIGHTLY}[without-rate_falls_with_width]"),
    ),
    Fault(
        "a pseudo-network of linear units",
        PSEUDO,
        "(affine(X, W, None) * (affine(X, start, None) > 0), a, None)",
        "(affine(X, W, None), a, None)",
        red=(f"{COUPLES_MORE}[given]", f"{COUPLES_TIGHTLY}[given]"),
    ),
    Fault(
        "twelve steps, after which nothing is learned",
        "fixtures/li_liang/mixtures.py",
        "quick=learning(width, n=500, d=500, steps=100, n_test=200",
        "quick=learning(width, n=500, d=500, steps=12, n_test=200",
        red=(
            f"{COUPLES_TIGHTLY}[given]",
            f"{DECIDES}[given]",
            f"{LOW_RANK}::test_learned_weights_have_no_such_structure[given]",
            "claims/test_li_liang_patterns_couple.py::test_activation_patterns_couple[given]",
            "claims/test_li_liang_stays_near_initialization.py::test_learned_weights_are_near_the_initialization[given]",
        ),
    ),
    Fault(
        "a gap relative to the outputs at the start",
        PSEUDO,
        "return _norm(f - g) / _norm(f - f_0)",
        "return _norm(f - g) / _norm(f_0)",
        red=(f"{COUPLES_TIGHTLY}[given]",),
    ),
    Fault(
        "a change of the outputs that is not divided by the distance",
        PSEUDO,
        "return _norm(f - f_0) / _norm(f_0) / distance_moved(run)",
        "return _norm(f - f_0) / _norm(f_0)",
        red=(f"{DECIDES}[given]",),
    ),
    Fault(
        "a change of the outputs that is relative to the change",
        PSEUDO,
        "return _norm(f - f_0) / _norm(f_0) / distance_moved(run)",
        "return _norm(f_0) / _norm(f - f_0) / distance_moved(run)",
        red=(f"{DECIDES}[given]",),
    ),
    Fault(
        "a pseudo gradient that is not divided by the error",
        PSEUDO,
        "return (torch.stack(norms, 1) / _largest(coefficients).unsqueeze(-1)).double()",
        "return torch.stack(norms, 1).double()",
        red=(f"{LARGE}[given]", f"{OF_ORDER}[given]"),
    ),
    Fault(
        "the pseudo gradient of the start alone",
        PSEUDO,
        'coefficients = loss_coefficients(run, run.watched("train_outputs"))',
        'coefficients = loss_coefficients(run, run.watched("train_outputs"))[:, :1]',
        red=(f"{LARGE}[without-separated_classes]", f"{OF_ORDER}[without-separated_classes]"),
    ),
    Fault(
        "the smallest error in place of the largest",
        PSEUDO,
        "return coefficients.abs().amax((-2, -1))",
        "return coefficients.abs().amin((-2, -1))",
        red=(f"{FALLS}[without-separated_classes]",),
    ),
    Fault(
        "errors that are not divided by the number of points",
        PSEUDO,
        ".view_as(f) / y.shape[1]",
        ".view_as(f)",
        red=(f"{INVERSE}[given]",),
    ),
    Fault(
        "units whose patterns change on all points",
        PSEUDO,
        "changed = (patterns != patterns[:, :1]).any(2)",
        "changed = (patterns != patterns[:, :1]).all(2)",
        red=(f"{UNITS_FALL}[given]", f"{BOUNDED}[without-starts_at_root_of_width]"),
    ),
    Fault(
        "units beside those of another seed's start",
        PSEUDO,
        "changed = (patterns != patterns[:, :1]).any(2)",
        "changed = (patterns != patterns[:, :1].roll(1, 0)).any(2)",
        red=(f"{UNITS_FALL}[given]", f"{BOUNDED}[given]"),
    ),
    Fault(
        "a bound times sigma",
        PSEUDO,
        "return torch.e * moved * run.experiment.data.n * path.shape[2] ** 0.5",
        "return torch.e * moved * run.experiment.data.n / path.shape[2] ** 0.5",
        red=(f"{BOUNDED}[given]",),
    ),
    Fault(
        "both gradients with the patterns of the end",
        PSEUDO,
        "for w in (W, start))",
        "for w in (W, W))",
        red=(f"{DIFFER}[given]",),
    ),
    Fault(
        "as many components on both sides",
        STRUCTURE,
        "many=network(n, d, steps, components=10, **of_more)",
        "many=network(n, d, steps + 1, components=1, **of_more)",
        red=(
            f"{DISTANCE}::test_more_components_take_the_network_farther[given]",
            f"{DISTANCE}::test_more_components_take_more_iterations[given]",
        ),
    ),
    Fault(
        "distances of random labels after equally many steps",
        STRUCTURE,
        "stop=Stop(loss=LOSS, every=10) if to_one_loss else Stop())",
        "stop=Stop(loss=LOSS, every=10))",
        red=(f"{DISTANCE}::test_random_labels_take_the_network_farther[without-ends_at_one_loss]",),
    ),
    Fault(
        "distances that are swapped",
        DISTANCE,
        'ratio = (distance_moved(run["random"]) / distance_moved(run["true"])).log()',
        'ratio = (distance_moved(run["true"]) / distance_moved(run["random"])).log()',
        red=(f"{DISTANCE}::test_random_labels_take_the_network_farther[given]",),
    ),
    Fault(
        "one spread in all settings",
        "fixtures/data/synthetic.py",
        "torch.randn(total, self.d, generator=generator) * (self.sigma / sqrt(self.d))",
        "torch.randn(total, self.d, generator=generator) * (1.0 / sqrt(self.d))",
        red=(f"{GAP}[given]",),
    ),
    Fault(
        "a gap at the wrong rank",
        "fixtures/li_liang/theory_figures.py",
        "return spectral_gap(update_spectrum(run), PATTERNS)",
        "return spectral_gap(update_spectrum(run), PATTERNS // 2)",
        red=(f"{GAP}[given]",),
    ),
    Fault(
        "random labels for a hundred steps",
        STRUCTURE,
        '"quick": (40, 100, 2_000)',
        '"quick": (40, 100, 100)',
        red=(f"{LABELS}::test_random_labels_are_fitted[given]",),
    ),
    Fault(
        "networks that stop at a large loss",
        STRUCTURE,
        "LOSS = 0.2",
        "LOSS = 1.0",
        red=(f"{LABELS}::test_random_labels_are_fitted[given]",),
    ),
    Fault(
        "accuracy on the labels of another seed",
        HELD_OUT,
        'hits = right(final_outputs(run, "test"), y).double()',
        'hits = right(final_outputs(run, "test"), y.roll(1, 0)).double()',
        red=(
            f"{LABELS}::test_network_that_can_fit_random_labels_generalizes[given]",
            f"{XOR}::test_xor_is_learned[given]",
        ),
    ),
    Fault(
        "xor of one sign",
        "fixtures/li_liang/xor.py",
        "y = ((signs.prod(1) if self.xor else signs[:, 0]) > 0).long()",
        "y = (signs[:, 0] > 0).long()",
        red=(f"{XOR}::test_xor_is_not_learned_linearly[given]",),
    ),
    Fault(
        "half-planes through the origin on one side",
        "fixtures/li_liang/xor.py",
        "gained = ahead.flip(1).cumsum(1).amax(1).clamp(min=0)",
        "gained = ahead.flip(1).cumsum(1).amin(1).clamp(min=0)",
        red=(f"{XOR}::test_xor_is_not_learned_linearly[without-not_linearly_separable]",),
    ),
    Fault(
        "a bound ten times as large",
        PSEUDO,
        "return torch.e * moved * run",
        "return 10 * torch.e * moved * run",
        red=(f"{BOUNDED}[given]",),
    ),
)
