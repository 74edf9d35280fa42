"""Faults in the trainings: their starts, their batches, their ends, their checkpoints."""

from tests.mutants.planting import Fault

MINIMUM_NORM = "claims/test_theory_iii_minimum_norm.py::test_descent_from_zero_finds_the_minimum_norm_interpolant"
OVERFIT = "claims/test_nakkiran_overfitting.py::test_population_accuracy_of_the_overfitted_classifier_is_1_minus_p"
DIGITS_LINE = "claims/test_puzzles_slope.py::test_line_of_normalized_losses_has_a_slope_near_one[digits]"
LINEAR_FIRST = "claims/test_nakkiran_linear_first.py::test_the_bulk_of_early_performance_is_linear[digits]"

FAULTS = (
    Fault(
        "a linear model that starts at one",
        "gen_core/models/two_layer.py",
        'params = {"w": normal((math.prod(inputs),), self.init_std, generator).to(dtype)}',
        'params = {"w": 1 + normal((math.prod(inputs),), self.init_std, generator).to(dtype)}',
        red=(f"{MINIMUM_NORM}[gd]",),
        short=True,
    ),
    Fault(
        "SGD without replacement draws with it",
        "gen_core/training/order.py",
        "torch.randperm(n, generator=g)[: length * size].view(length, size)",
        "torch.randint(n, (length, size), generator=g)",
        red=(f"{MINIMUM_NORM}[sgd-batch-10-permuted]",),
    ),
    Fault(
        "one permutation for all epochs",
        "gen_core/training/order.py",
        "torch.randperm(n, generator=g)[: length * size].view(length, size)",
        "torch.randperm(n, generator=g.manual_seed(g.initial_seed()))[: length * size].view(length, size)",
        red=(f"{MINIMUM_NORM}[sgd-batch-10-permuted]",),
    ),
    Fault(
        "ended rows go on moving",
        "gen_core/training/batch.py",
        "self.rate.masked_fill_(new, 0.0)",
        "self.rate.masked_fill_(new & ~new, 0.0)",
        red=(DIGITS_LINE, f"{OVERFIT}[edge-n100]"),
    ),
    Fault(
        "a stop rule that the first row ignores",
        "gen_core/training/batch.py",
        "new = ended & self.alive",
        "new = ended & self.alive & torch.arange(len(ended)).bool()",
        red=(f"{OVERFIT}[edge-n100]",),
    ),
    Fault(
        "rows end at ten times the loss",
        "gen_core/training/batch.py",
        'self._end(step, seen[0] <= stop.loss, "loss")',
        'self._end(step, seen[0] <= 10 * stop.loss, "loss")',
        red=(DIGITS_LINE,),
    ),
    Fault(
        "a checkpoint is taken before its step",
        "gen_core/training/batch.py",
        "self._step(step, *next(self.order))\n            if step in checkpoints:\n                self._watch(step)\n",
        "if step in checkpoints:\n                self._watch(step)\n            self._step(step, *next(self.order))\n",
        red=(LINEAR_FIRST,),
    ),
    Fault(
        "checkpoints one step early",
        "gen_core/training/batch.py",
        "            if step in checkpoints:\n                self._watch(step)\n",
        "            if step + 1 in checkpoints:\n                self._watch(step)\n",
        red=(LINEAR_FIRST,),
    ),
    Fault(
        "an evaluation that is not made anew after a step",
        "gen_core/training/batch.py",
        "self.evaluated, limit = None, self.experiment.stop.gradient",
        "limit = self.experiment.stop.gradient",
        red=(f"{OVERFIT}[edge-n100]",),
    ),
    Fault(
        "sparse steps that forget x(1)",
        "gen_core/models/sparse.py",
        "w1.sub_((g * x1).sum(1))",
        "w1.sub_(g.sum(1))",
        red=(f"{OVERFIT}[edge-n100]",),
    ),
    Fault(
        "test points of another seed",
        "gen_core/training/batch.py",
        'held_out.add(i, drawn["X_test"])',
        'held_out.add(i, vars(sample_data(e, rows[i - 1][1]))["X_test"])',
        red=("claims/test_nakkiran_linear_first.py::test_the_bulk_of_early_performance_is_linear[product]",),
    ),
    Fault(
        "labels of another seed in measures",
        "gen_core/training/drawn.py",
        "value = stack_points(parts)\n",
        "value = stack_points(parts).roll(1, 0)\n",
        red=("claims/test_nakkiran_linear_first.py::test_the_bulk_of_early_performance_is_linear[product]",),
    ),
)
