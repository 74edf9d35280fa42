"""Faults in random streams: seeds that share what each of them must draw for itself."""

from tests.mutants.planting import Fault

MINIMUM_NORM = "claims/test_theory_iii_minimum_norm.py::test_descent_from_zero_finds_the_minimum_norm_interpolant"
ROW_SPAN = "claims/test_theory_iii_row_span.py::test_limit_keeps_the_start_off_the_row_span"
KERNEL = "claims/test_hu_first_layer_kernel.py::test_first_layer_kernel_is_linear_in_the_spectral_norm"
PATTERNS = "claims/test_li_liang_patterns_couple.py::test_activation_patterns_couple[given]"
IDENTITIES = "claims/test_nakkiran_information_identities.py::test_performance_correlation_has_three_forms"

FAULTS = (
    Fault(
        "one stream for all seeds",
        "gen_core/training/seeding.py",
        "digest(recipe, seed, purpose, defaults=False)",
        "digest(recipe, 0, purpose, defaults=False)",
        red=(f"{MINIMUM_NORM}[gd-nearly-square]", f"{IDENTITIES}[dense]"),
        short=True,
    ),
    Fault(
        "one stream for every two seeds",
        "gen_core/training/seeding.py",
        "digest(recipe, seed, purpose, defaults=False)",
        "digest(recipe, seed // 2, purpose, defaults=False)",
        red=(f"{IDENTITIES}[dense]",),
    ),
    Fault(
        "one stream of data for all seeds",
        "gen_core/training/draws.py",
        'generator(recipe, seed, "data")',
        'generator(recipe, 0, "data")',
        red=(f"{MINIMUM_NORM}[gd-nearly-square]", f"{KERNEL}[erf]"),
    ),
    Fault(
        "a cache of draws that forgets the seed",
        "gen_core/training/draws.py",
        "return state_of(recipe), seed",
        "return state_of(recipe), 0",
        red=(f"{MINIMUM_NORM}[gd-nearly-square]",),
    ),
    Fault(
        "all rows train on one seed's data",
        "gen_core/training/batch.py",
        "data = sample_data(e, seed)",
        "data = sample_data(e, rows[0][1])",
        red=(f"{MINIMUM_NORM}[gd-nearly-square]",),
    ),
    Fault(
        "rows train on another seed's data",
        "gen_core/training/batch.py",
        "for i, (e, seed) in enumerate(rows):\n            data = sample_data(e, seed)",
        "for i, (e, _) in enumerate(rows):\n            data = sample_data(e, rows[i - 1][1])",
        red=(f"{MINIMUM_NORM}[gd-nearly-square]",),
    ),
    Fault(
        "one stream of starts for all seeds",
        "gen_core/training/draws.py",
        'generator(numbered(model, experiment.start), seed, "init")',
        'generator(numbered(model, experiment.start), 0, "init")',
        red=(f"{ROW_SPAN}[momentum]", f"{KERNEL}[erf]"),
        short=True,
    ),
    Fault(
        "one initialization for all rows of a batch",
        "gen_core/training/batch.py",
        "starts = [initial_parameters(e, seed) for e, seed in rows]",
        "starts = [initial_parameters(e, rows[0][1]) for e, seed in rows]",
        red=(f"{ROW_SPAN}[momentum]",),
    ),
    Fault(
        "one batch order for all rows",
        "gen_core/training/order.py",
        'generator(numbered(form, e.order), seed, "order")',
        'generator(numbered(form, e.order), 0, "order")',
        red=(f"{MINIMUM_NORM}[sgd-batch-10-permuted]",),
        short=True,
    ),
    Fault(
        "one batch order for all rows, with replacement",
        "gen_core/training/order.py",
        "drawn = [torch.randint(n, (length, size), generator=g) for g in order]",
        "drawn = [torch.randint(n, (length, size), generator=order[0])] * len(order)",
        red=(f"{MINIMUM_NORM}[sgd-condition-3]",),
    ),
    Fault(
        "one set of cluster means for all seeds",
        "fixtures/data/synthetic.py",
        "means = torch.randn(kl, self.d, generator=generator)",
        "means = torch.randn(kl, self.d, generator=Generator().manual_seed(1))",
        red=(PATTERNS,),
    ),
    Fault(
        "a teacher drawn from torch's global generator",
        "gen_core/data/designs.py",
        "u = torch.randn(TEACHER, generator=generator, dtype=torch.float64)",
        "u = torch.randn(TEACHER, dtype=torch.float64)",
        red=(f"{KERNEL}[erf]",),
    ),
)
