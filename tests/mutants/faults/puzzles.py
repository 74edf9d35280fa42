"""Faults in the measures of "Generalization puzzles in deep networks" (2019)."""

from tests.mutants.planting import Fault

NORMALIZATION = "gen_core/measures/normalization.py"
HELD_OUT = "gen_core/measures/held_out.py"
LINE = "gen_core/measures/loss_line.py"
UNIT = "claims/test_puzzles_homogeneity.py::test_normalized_losses_are_those_of_unit_layers[given]"
HOMOGENEITY = "claims/test_puzzles_homogeneity.py::test_network_is_the_product_of_norms_times_the_normalized_one"
ORDERS = "claims/test_puzzles_normalized_loss.py::test_normalized_training_loss_orders_test_errors"
GOES_WITH = "claims/test_puzzles_normalized_loss.py::test_normalized_training_loss_goes_with_test_error"
WRONG_WAY = (
    "claims/test_puzzles_unnormalized_loss.py"
    "::test_unnormalized_training_loss_orders_test_errors_the_wrong_way_round[digits]"
)
NORMS = "layer_norms(run.parameters, _layers(run), norm).double().prod(1)"

FAULTS = (
    Fault(
        "the norm of a layer is left out",
        NORMALIZATION,
        NORMS,
        NORMS.replace(".prod(1)", "[:, 1:].prod(1)"),
        red=(UNIT,),
        short=True,
    ),
    Fault(
        "the squares of norms of layers",
        "gen_core/measures/norms.py",
        "[torch.linalg.vector_norm(torch.cat(part, 1), self.p, dim=1) for part in parts]",
        "[torch.cat(part, 1).square().sum(1) for part in parts]",
        red=(UNIT,),
    ),
    Fault(
        "the norms of another seed's network",
        NORMALIZATION,
        NORMS,
        f"{NORMS}.roll(1)",
        red=(UNIT,),
    ),
    Fault(
        "the norms of another network of the family",
        NORMALIZATION,
        f"return runs.measure(lambda run: {NORMS})",
        f"return runs.measure(lambda run: {NORMS}).roll(1, 0)",
        red=(UNIT,),
    ),
    Fault(
        "normalization is forgotten",
        NORMALIZATION,
        "losses_at(run, f, y, rho).mean(1) for rho in flat",
        "losses_at(run, f, y, torch.ones_like(rho)).mean(1) for rho in flat",
        red=(UNIT, f"{GOES_WITH}[digits]"),
    ),
    Fault(
        "held-out losses of the networks as they are",
        LINE,
        "return torch.stack([losses_at(run, f, y, rho) for (run, f, y), rho in networks])",
        "return torch.stack([losses_at(run, f, y, torch.ones_like(rho)) for (run, f, y), rho in networks])",
        red=(UNIT,),
    ),
    Fault(
        "test losses in place of test errors",
        NORMALIZATION,
        "return torch.stack([(~right(f, y)).double() for _, f, y in held_out_outputs(runs)])",
        "return torch.stack([run.experiment.parts.loss.per_point(f, y) for run, f, y in held_out_outputs(runs)])",
        red=(UNIT,),
    ),
    Fault(
        "losses are compared with themselves in place of test errors",
        NORMALIZATION,
        "return _with_errors(runs, lambda errors: rank_correlation(losses, errors))",
        "return _with_errors(runs, lambda errors: rank_correlation(losses, losses.expand_as(errors)))",
        red=(f"{GOES_WITH}[mutated-unnormalized]", WRONG_WAY),
    ),
    Fault(
        "the network's own losses are compared with themselves, beside the null",
        NORMALIZATION,
        "return rank_correlation(own, errors) - null",
        "return rank_correlation(own, own.expand_as(errors)) - null",
        red=(f"{ORDERS}[mutated-others-norms]",),
    ),
    Fault(
        "training points in place of held-out ones",
        HELD_OUT,
        'yield run, final_outputs(run, "test"), y',
        'yield run, final_outputs(run, "train"), run.y',
        red=(UNIT,),
    ),
    Fault(
        "held-out points among the training points",
        "gen_core/data/digits.py",
        "return Data(X[train], y[train], X[held_out], y[held_out])",
        "return Data(X[train], y[train], X[train], y[train])",
        red=(f"{ORDERS}[digits]",),
    ),
    Fault(
        "an order without ranks",
        HELD_OUT,
        "x, y = (torch.from_numpy(rankdata(t.cpu().numpy(), axis=-2)).to(a.device) for t in (a, b))",
        "x, y = (rankdata and t.double() for t in (a, b))",
        red=("tests/gen_core/measures/test_normalization.py::test_rank_correlation_against_scipy",),
    ),
    Fault(
        "R^2 with residuals of the wrong line",
        LINE,
        "left, variance = (y - slope.unsqueeze(-2) * x).square().sum(-2), y.square().sum(-2)",
        "left, variance = (y - slope.mean() * x).square().sum(-2), y.square().sum(-2)",
        red=("tests/gen_core/measures/test_loss_line.py::test_line_against_scipy",),
    ),
    Fault(
        "the line of training over test losses",
        LINE,
        "slope = (x * y).sum(-2) / x.square().sum(-2)",
        "slope = (x * y).sum(-2) / y.square().sum(-2)",
        red=("claims/test_puzzles_slope.py::test_line_of_normalized_losses_has_a_slope_near_one[mnist]",),
    ),
    Fault(
        "networks that have not come to the common loss",
        "fixtures/puzzles/families.py",
        "stop=Stop(loss=LOSS, every=every),",
        "stop=Stop(loss=10 * LOSS, every=every),",
        red=(f"{ORDERS}[digits]",),
    ),
    Fault(
        "random labels that are the true ones",
        "gen_core/data/derived.py",
        "drawn[where] = torch.randint(10, (len(where),), generator=generator)",
        "drawn[where] = y[where]",
        red=("claims/test_puzzles_slope.py::test_line_of_normalized_losses_has_a_slope_near_one[without-one_law]",),
    ),
    Fault(
        "a layer that is not divided by its norm",
        NORMALIZATION,
        "return {name: p / norms[name].view(",
        "return {name: p / norms[name].where(torch.tensor(name != 'W1'), torch.tensor(1.0, dtype=p.dtype)).view(",
        red=(f"{HOMOGENEITY}[depth-2]",),
    ),
)
