"""Faults in the measures and settings of Li & Liang (2018)."""

from tests.mutants.planting import Fault

COUPLING = "gen_core/measures/coupling.py"
COUPLE = "claims/test_li_liang_patterns_couple.py"
PATTERNS = f"{COUPLE}::test_activation_patterns_couple"
PATTERNS_FALL = f"{COUPLE}::test_changed_patterns_fall_like_the_root_of_width[given]"
NEAR = "claims/test_li_liang_stays_near_initialization.py"
DISTANCE_FALLS = f"{NEAR}::test_distance_falls_like_the_root_of_width[given]"
LOW_RANK = "claims/test_li_liang_low_rank_updates.py"
GAP = f"{LOW_RANK}::test_update_has_a_gap_at_the_number_of_components[given]"

FAULTS = (
    Fault(
        "coupling is measured against the end",
        COUPLING,
        'start, n = run.initial("W"), run.experiment.data.n',
        'start, n = run.weights("W"), run.experiment.data.n',
        red=(PATTERNS_FALL, f"{PATTERNS}[without-starts_at_root_of_width]"),
        short=True,
    ),
    Fault(
        "coupling is measured against another seed's start",
        COUPLING,
        'start, n = run.initial("W"), run.experiment.data.n',
        'start, n = run.initial("W").roll(1, 0), run.experiment.data.n',
        red=(f"{PATTERNS}[given]",),
    ),
    Fault(
        "patterns on fresh points",
        COUPLING,
        "parts = run.points_in_parts(size=_bytes_of_patterns(start))",
        "parts = run.points_in_parts(size=_bytes_of_patterns(start), held_out=True)",
        red=(PATTERNS_FALL,),
    ),
    Fault(
        "a unit counts as changed if it changes at any point",
        COUPLING,
        "(_on(v.to(x.device), x) ^ on).count_nonzero()",
        "(_on(v.to(x.device), x) ^ on).any(0).count_nonzero() * len(x)",
        red=(f"{PATTERNS}[given]", PATTERNS_FALL),
    ),
    Fault(
        "the squares of norms",
        COUPLING,
        'return distance_from(run.weights("W"), run.initial("W"))',
        'return distance_from(run.weights("W"), run.initial("W")).square()',
        red=(DISTANCE_FALLS,),
    ),
    Fault(
        "a distance that is not divided by the start's norm",
        COUPLING,
        "return relative_distance(W.flatten(-2), flat)",
        "return (W.flatten(-2) - flat).norm(dim=-1)",
        red=(f"{NEAR}::test_learned_weights_are_near_the_initialization[given]",),
    ),
    Fault(
        "the spectrum of the weights in place of the update's",
        COUPLING,
        'svdvals(run.weights("W") - run.initial("W"))',
        'svdvals(run.weights("W"))',
        red=(GAP,),
    ),
    Fault(
        "the spectrum of the weights on both sides, of the update",
        LOW_RANK,
        "spectral_gap(weight_spectrum(run), PATTERNS)",
        "spectral_gap(update_spectrum(run), PATTERNS)",
        red=(f"{LOW_RANK}::test_learned_weights_have_no_such_structure[given]",),
    ),
    Fault(
        "a gap one singular value further",
        COUPLING,
        "return s[..., rank - 1] / s[..., rank]",
        "return s[..., rank] / s[..., rank + 1]",
        red=(GAP,),
    ),
    Fault(
        "singular values in place of their squares",
        COUPLING,
        "energy = s.square()",
        "energy = s",
        red=(f"{LOW_RANK}::test_update_is_nearly_of_the_rank_of_the_data[given]",),
    ),
    Fault(
        "synthetic data at a tenth of the rate",
        "fixtures/li_liang/mixtures.py",
        "SGD(10 / width if rate is None else rate, batch=batch)",
        "SGD(1 / width if rate is None else rate, batch=batch)",
        red=(f"{PATTERNS}[given]", GAP),
    ),
    Fault(
        "the paper's rate on MNIST 400 times as small",
        "fixtures/li_liang/mnist.py",
        '"deviation": figure_2(rate=4_000 / 1_000)',
        '"deviation": figure_2(rate=10 / 1_000)',
        red=(
            "claims/test_li_liang_mnist_rate.py"
            "::test_learned_weights_are_near_the_initialization_at_the_papers_rate_on_mnist[deviation]",
        ),
    ),
    Fault(
        "random labels that follow the inputs",
        "fixtures/data/synthetic.py",
        'if self.labels == "random":',
        "if False:",
        red=(
            f"{LOW_RANK}::test_update_has_a_gap_at_the_number_of_components[without-clustered_classes-random-labels]",
        ),
    ),
    Fault(
        "random labels among the inputs",
        "fixtures/data/synthetic.py",
        "            label = torch.randint(self.classes, (total,), generator=generator)\n",
        "            label = torch.randint(self.classes, (total,), generator=generator)\n"
        "            X[:, : self.classes] += 9 * torch.nn.functional.one_hot(label, self.classes)\n"
        "            X /= torch.linalg.vector_norm(X, dim=1, keepdim=True)\n",
        red=(f"{LOW_RANK}::test_update_is_nearly_of_the_rank_of_the_data[without-clustered_classes-random-labels]",),
    ),
    Fault(
        "inputs that keep their norms",
        "fixtures/data/synthetic.py",
        "if self.unit_norm:",
        "if False:",
        red=(f"{PATTERNS}[given]",),
    ),
    Fault(
        "networks that all start with a standard deviation of m^-1/2",
        "gen_core/models/two_layer.py",
        "std = self.width**-0.5 if self.init_std is None else self.init_std",
        "std = self.width**-0.5",
        red=(f"{PATTERNS}[without-starts_at_root_of_width]",),
    ),
    Fault(
        "a top layer of half the size",
        "gen_core/models/two_layer.py",
        "a = normal((self.classes, self.width), 1.0, generator)",
        "a = normal((self.classes, self.width), 0.5, generator)",
        red=(f"{PATTERNS}[given]", f"{NEAR}::test_learned_weights_are_near_the_initialization[given]"),
    ),
)
