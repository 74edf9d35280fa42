"""Faults in what the claims of Nakkiran et al. (2019) measure, and in their settings."""

from tests.mutants.planting import Fault

T0 = "claims/test_nakkiran_first_phase.py::test_t0_is_where_the_network_reaches_the_linear_classifier"
LEAST = "claims/test_nakkiran_first_phase.py::test_least_shares_are_at_most_those_at_the_ends"
REFERENCE = "claims/test_nakkiran_first_phase.py::test_the_reference_is_the_optimal_linear_classifier[digits]"
NULL = "claims/test_nakkiran_first_phase.py::test_the_null_model_has_the_information_of_the_linear_classifier[given]"
ADVANTAGE = "claims/test_nakkiran_null_model.py::test_linear_explains_more_than_the_null_model"
CHAIN_RULE = "claims/test_nakkiran_information_identities.py::test_chain_rule[dense]"
OF_ACCURACY = "claims/test_nakkiran_information_identities.py::test_information_is_a_function_of_accuracy[given]"
BETTER = "claims/test_nakkiran_retention.py::test_the_fitted_network_predicts_better_than_chance"
PLATEAU = (
    "claims/test_nakkiran_retention.py::test_what_the_linear_classifier_explains_plateaus_near_its_own_information"
)
THEOREM_1 = "claims/test_nakkiran_overfitting.py::test_population_accuracy_of_the_overfitted_classifier_is_1_minus_p"
MOSTLY = "claims/test_nakkiran_overfitting.py::test_population_accuracy_is_1_minus_p_with_high_probability"
POOR_ERMS = "claims/test_nakkiran_poor_erms.py::test_poor_erms_exist"
PHASE = "gen_core/measures/linear_phase.py"
INFORMATION = "gen_core/measures/information.py"
POPULATION = "gen_core/measures/sparse_population.py"

FAULTS = (
    Fault(
        "T0 one checkpoint late",
        PHASE,
        "there.to(torch.int8).argmax(-1), len",
        "there.to(torch.int8).argmax(-1) + 1, len",
        red=(f"{T0}[digits]", f"{T0}[product]"),
        short=True,
    ),
    Fault(
        "T0 one checkpoint early",
        PHASE,
        "there.to(torch.int8).argmax(-1), len",
        "there.to(torch.int8).argmax(-1) - 1, len",
        red=(f"{T0}[digits]", f"{T0}[product]"),
    ),
    Fault(
        "T0 where the network reaches the floor",
        PHASE,
        "there = self.information >= self.linear[..., None]",
        "there = self.information >= FLOOR * self.linear[..., None]",
        red=(f"{T0}[product]",),
    ),
    Fault(
        "the largest share up to T0 in place of the least",
        PHASE,
        "torch.where(counted, self.correlation / self.information, torch.inf).amin(-1)",
        "torch.where(counted, self.correlation / self.information, -torch.inf).amax(-1)",
        red=(f"{LEAST}[product]",),
    ),
    Fault(
        "no minimum after T0",
        PHASE,
        "return torch.where(since, quantity, torch.inf).amin(-1)",
        "return quantity[..., -1]",
        red=(f"{LEAST}[product]",),
    ),
    Fault(
        "the largest since T0 in place of the least",
        PHASE,
        "return torch.where(since, quantity, torch.inf).amin(-1)",
        "return torch.where(since, quantity, -torch.inf).amax(-1)",
        red=(f"{LEAST}[product]",),
    ),
    Fault(
        "shares at T0 of half the information",
        PHASE,
        "return self._at_T0(self.correlation) / self._at_T0(self.information)",
        "return 2 * self._at_T0(self.correlation) / self._at_T0(self.information)",
        red=(f"{ADVANTAGE}[product]",),
    ),
    Fault(
        "the network's own information as what is retained",
        PHASE,
        "return phase.correlation[..., -1] / phase.linear",
        "return phase.information[..., -1] / phase.linear",
        red=(f"{PLATEAU}[digits]",),
    ),
    Fault(
        "accuracy of the opposite class",
        PHASE,
        "joint.diagonal(dim1=-2, dim2=-1)",
        "joint.flip(-1).diagonal(dim1=-2, dim2=-1)",
        red=(f"{BETTER}[digits]",),
    ),
    Fault(
        "a reference after one Newton step",
        PHASE,
        'runs["linear"].watched("test_classes")[:, -1]',
        'runs["linear"].watched("test_classes")[:, 1]',
        red=(REFERENCE,),
    ),
    Fault(
        "a reference that is trained for one Newton step",
        "fixtures/nakkiran/tasks.py",
        "steps=30,",
        "steps=1,",
        red=(REFERENCE,),
    ),
    Fault(
        "a null model with the information of F",
        INFORMATION,
        "target, labels = _mutual(p.sum(-3)), p.sum((-3, -2))",
        "target, labels = _mutual(p.sum(-2)), p.sum((-3, -2))",
        red=(NULL,),
    ),
    Fault(
        "a null model of L in place of F",
        INFORMATION,
        "return _mutual(p.sum(-2) @ (keep + ",
        "return _mutual(p.sum(-3) @ (keep + ",
        red=(NULL,),
    ),
    Fault(
        "information in nats",
        INFORMATION,
        "return -torch.special.xlogy(p, p).flatten(-axes).sum(-1) / math.log(2)",
        "return -torch.special.xlogy(p, p).flatten(-axes).sum(-1)",
        red=(OF_ACCURACY,),
    ),
    Fault(
        "performance correlation given the labels",
        INFORMATION,
        "return _mutual(p.sum(-2)) - _conditional(p.transpose(-2, -1))",
        "return _mutual(p.sum(-2)) - _conditional(p)",
        red=("claims/test_nakkiran_information_identities.py::test_performance_correlation_has_three_forms[dense]",),
    ),
    Fault(
        "conditional information without the entropy of the condition",
        INFORMATION,
        "return (pairs - _entropy(p, 3) - _entropy(p.sum((-3, -2)), 1)).clamp(min=0)",
        "return (pairs - _entropy(p, 3)).clamp(min=0)",
        red=(CHAIN_RULE,),
    ),
    Fault(
        "poor ERMs whose accuracy is not p",
        POPULATION,
        "return 0.5 + (0.5 - law.p) * w1.sign()",
        "return 0.5 + (0.5 - law.p) / 2 * w1.sign()",
        red=(f"{POOR_ERMS}[c-1]", f"{POOR_ERMS}[c-5]"),
    ),
    Fault(
        "population accuracy that ignores the sign of w(1)",
        POPULATION,
        "return 0.5 + (0.5 - law.p) * w1.sign()",
        "return 0.5 + (0.5 - law.p) * w1.sign().abs()",
        red=(f"{POOR_ERMS}[c-1]",),
    ),
    Fault(
        "Theorem 1 with all labels clean",
        "fixtures/data/synthetic.py",
        "dtype=torch.float64) < self.p).double()",
        "dtype=torch.float64) < 0.0).double()",
        red=(f"{THEOREM_1}[edge-p0.2]", f"{POOR_ERMS}[c-1]"),
    ),
    Fault(
        "starts that are a tenth of their bound",
        "fixtures/nakkiran/overfitting.py",
        "return 1 - 2 * p - side * 5 / math.sqrt(n)",
        "return (1 - 2 * p - side * 5 / math.sqrt(n)) / 10",
        red=(f"{MOSTLY}[without-bounded_start]",),
    ),
)
