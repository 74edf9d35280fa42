"""Faults in the measures and settings of "Theory of Deep Learning III" (2017), and in the steps that they follow."""

from tests.mutants.planting import Fault

INTERPOLATION = "gen_core/measures/interpolation.py"
MINIMUM_NORM = "claims/test_theory_iii_minimum_norm.py::test_descent_from_zero_finds_the_minimum_norm_interpolant"
ROW_SPAN = "claims/test_theory_iii_row_span.py"
STAY = f"{ROW_SPAN}::test_iterates_stay_in_the_span_of_the_rows"
LIMIT = f"{ROW_SPAN}::test_limit_keeps_the_start_off_the_row_span"
SUM = f"{ROW_SPAN}::test_iterates_sum_the_residuals"
CHANCE = "claims/test_theory_iii_random_labels.py::test_random_labels_have_the_largest_generalization_gap"

FAULTS = (
    Fault(
        "the minimum-norm interpolant is compared with itself",
        INTERPOLATION,
        "        )\n    return run.w\n",
        "        )\n    return minimum_norm(run.X, run.y)\n",
        red=(
            f"{MINIMUM_NORM}[without-starts_at_zero-gd]",
            f"{ROW_SPAN}::test_limit_keeps_the_start_off_the_row_span[gd]",
        ),
        short=True,
    ),
    Fault(
        "a distance of a vector from itself",
        INTERPOLATION,
        "return (a - b).norm(dim=-1) / b.norm(dim=-1)",
        "return (b - b).norm(dim=-1) / b.norm(dim=-1)",
        red=(f"{MINIMUM_NORM}[without-starts_at_zero-gd]",),
    ),
    Fault(
        "an interpolant of a part of the points",
        INTERPOLATION,
        "return torch.linalg.lstsq(X, y[..., None], driver=driver).solution[..., 0]",
        "return torch.linalg.lstsq(X[:, 1:], y[:, 1:, None], driver=driver).solution[..., 0]",
        red=(f"{MINIMUM_NORM}[gd]",),
    ),
    Fault(
        "the row span is the whole space",
        INTERPOLATION,
        "basis = torch.linalg.qr(X.mT).Q",
        'basis = torch.linalg.qr(X.mT, mode="complete").Q',
        red=(f"{STAY}[without-starts_at_zero]",),
    ),
    Fault(
        "the row span of another seed",
        INTERPOLATION,
        "basis = torch.linalg.qr(X.mT).Q",
        "basis = torch.linalg.qr(X.mT).Q.roll(1, 0)",
        red=(f"{STAY}[gd]",),
    ),
    Fault(
        "fused steps at half the rate",
        "gen_core/training/fused.py",
        "scale = self.rate / y.shape[1] if self.in_place else self.share",
        "scale = self.rate / y.shape[1] / 2 if self.in_place else self.share / 2",
        red=(f"{SUM}[gd]", f"{SUM}[heavy-ball]"),
        short=True,
    ),
    Fault(
        "Nesterov's momentum that forgets",
        "gen_core/rules/descent.py",
        "_aten._foreach_mul_.Scalar(v, self.momentum)",
        "_aten._foreach_mul_.Scalar(v, 0.99 * self.momentum)",
        red=(f"{SUM}[nesterov]",),
    ),
    Fault(
        "momentum that forgets where it is added to in the matrix product",
        "gen_core/training/fused.py",
        "is_plain(parts.rule), momentum_of(parts.rule)",
        "is_plain(parts.rule), (momentum_of(parts.rule) or 0) * 0.99 or None",
        red=(f"{SUM}[heavy-ball]",),
    ),
    Fault(
        "Nesterov's momentum without its look ahead",
        "gen_core/rules/descent.py",
        "_aten._foreach_add.List(g, _aten._foreach_mul.Scalar(v, self.momentum)) if self.nesterov else v",
        "v",
        red=(f"{SUM}[nesterov]",),
    ),
    Fault(
        "a squared error of twice the slope",
        "gen_core/losses.py",
        "return 2 * self.factor * (f - _one_each(f, y))",
        "return 2.1 * self.factor * (f - _one_each(f, y))",
        red=(f"{SUM}[gd]",),
    ),
    Fault(
        "checkpoints that all show the end",
        "gen_core/finished.py",
        'value = self._array(f"watch.{name}", "watched quantity")',
        'value = (lambda path: path[:, -1:].expand_as(path))(self._array(f"watch.{name}", "watched quantity"))',
        red=(f"{SUM}[gd]",),
    ),
    Fault(
        "stochastic steps that always see one point",
        "gen_core/training/order.py",
        "epochs.append(torch.stack(drawn))",
        "epochs.append(torch.stack(drawn) * 0)",
        red=(f"{MINIMUM_NORM}[sgd]",),
    ),
    Fault(
        "terms of a gradient that are subtracted one by one",
        "gen_core/models/products.py",
        "C.sub_(torch.bmm(A, B))",
        "C.baddbmm_(A, B, alpha=-1)",
        red=("tests/gen_core/models/test_products.py::test_steps_at_a_minimum_do_not_drift_off_the_row_span",),
    ),
    Fault(
        "a leak that leaks nothing",
        "gen_core/data/derived.py",
        "count = round(self.share * self.n_test)",
        "count = round(0 * self.n_test)",
        red=(f"{CHANCE}[without-held_out_apart]",),
    ),
    Fault(
        "held-out labels of the network's own choice",
        "gen_core/measures/normalization.py",
        "(~right(f, y)).double() for _, f, y in",
        "(~right(f, f.argmax(-1))).double() for _, f, _y in",
        red=(f"{CHANCE}[given]",),
    ),
)
