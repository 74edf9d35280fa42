"""Information measures against scikit-learn, brute force, simulation and the identities of the paper."""

import itertools
import math

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from sklearn.metrics import mutual_info_score

from gen_core.measures import (
    binary_entropy,
    conditional_mutual_information,
    joint_table,
    mutual_information,
    null_performance_correlation,
    performance_correlation,
)

quiet = settings(deadline=None, max_examples=150)
# Small counts are often 0: whole rows, slices and variables vanish.
entries = st.one_of(st.integers(0, 3).map(float), st.floats(0, 1), st.sampled_from([0.0, 0.0, 1e-12, 1e9]))


def tables(*sides):
    arrays = hnp.arrays(np.float64, st.tuples(*sides), elements=entries)
    return arrays.filter(lambda a: a.sum() > 1e-9).map(torch.from_numpy)


side = st.integers(1, 3)
pairs, triples = tables(side, side), tables(side, side, side)
binary = tables(st.just(2), st.just(2), st.just(2))


def close(value, expected):
    value, expected = (torch.as_tensor(v, dtype=torch.float64) for v in (value, expected))
    return torch.allclose(value, expected, rtol=0, atol=1e-13)


def null_table(table, q):
    """Joint table of F, Y with probability q and else a coin, and Y."""
    p = table / table.sum()
    null = torch.zeros_like(p)
    for f, label, y in itertools.product(range(2), repeat=3):
        null[f, label, y] = p[f, :, y].sum() * (q * (label == y) + (1 - q) / 2)
    return null


@quiet
@given(hnp.arrays(np.int64, st.tuples(side, side), elements=st.integers(0, 5)).filter(np.any))
def test_mutual_information_is_scikit_learns(counts):
    reference = mutual_info_score(None, None, contingency=counts) / math.log(2)
    assert close(mutual_information(torch.from_numpy(counts)), reference)


@quiet
@given(pairs)
def test_mutual_information_is_the_divergence_from_independence(table):
    p = table.numpy() / table.numpy().sum()
    divergence = sum(
        p[a, b] * (np.log2(p[a, b]) - np.log2(p[a].sum()) - np.log2(p[:, b].sum())) for a, b in np.argwhere(p > 0)
    )
    assert close(mutual_information(table), divergence)
    assert close(mutual_information(table.T), mutual_information(table))
    assert close(mutual_information(7 * table), mutual_information(table))


@quiet
@given(triples)
def test_conditional_mutual_information_is_the_mean_over_slices(table):
    slices = [s for s in table.unbind(-1) if s.sum() > 0]
    mean = sum(s.sum() / table.sum() * mutual_information(s) for s in slices)
    assert close(conditional_mutual_information(table), mean)


@quiet
@given(triples)
def test_chain_rule(table):
    both = mutual_information(table.flatten(0, 1))
    assert close(both, mutual_information(table.sum(0)) + conditional_mutual_information(table.transpose(1, 2)))


@quiet
@given(triples)
def test_performance_correlation_has_three_forms_and_their_bounds(table):
    mu = performance_correlation(table)
    orders = [table, table.permute(1, 0, 2), table.permute(0, 2, 1), table.permute(2, 1, 0), table.permute(1, 2, 0)]
    assert all(close(mu, performance_correlation(order)) for order in orders)
    plain = [mutual_information(table.sum(axis)) for axis in range(3)]
    given_rest = [conditional_mutual_information(table.movedim(axis, -1)) for axis in range(3)]
    assert mu <= min(plain) + 1e-13
    assert mu >= -min(given_rest) - 1e-13
    assert min(*plain, *given_rest) >= 0


@pytest.mark.parametrize("accuracy", [0.0, 0.3, 0.5, 0.87, 1.0])
def test_unbiased_classifiers_have_one_minus_the_entropy_of_their_accuracy(accuracy):
    table = torch.tensor([[accuracy, 1 - accuracy], [1 - accuracy, accuracy]], dtype=torch.float64)
    assert close(mutual_information(table), 1 - binary_entropy(torch.tensor(accuracy, dtype=torch.float64)))


def test_binary_entropy_has_its_known_values():
    known = torch.tensor([0, 1, 2 - 0.75 * math.log2(3), 0], dtype=torch.float64)
    assert close(binary_entropy(torch.tensor([0.0, 0.5, 0.25, 1.0])), known)


def test_a_classifier_independent_of_the_labels_explains_nothing():
    f, ly = torch.tensor([0.3, 0.7]), torch.tensor([[0.4, 0.1], [0.2, 0.3]])
    table = f[:, None, None].double() * ly.double()
    assert close(mutual_information(table.sum(1)), 0)
    assert close(performance_correlation(table), 0)
    assert close(null_performance_correlation(table), 0)


def test_parity_has_negative_performance_correlation():
    f, label, y = torch.meshgrid(*[torch.arange(2)] * 3, indexing="ij")
    assert close(performance_correlation(f ^ label ^ y), -1)


@pytest.mark.parametrize(("accuracy", "sign"), [(0.55, -1), (0.75, -1), (0.82, -1), (0.8201, 1), (0.9, 1)])
def test_errors_that_are_never_shared_make_it_negative_up_to_an_accuracy_of_82_percent(accuracy, sign):
    error, table = 1 - accuracy, torch.zeros(2, 2, 2, dtype=torch.float64)
    for y in (0, 1):
        table[y, y, y], table[1 - y, y, y], table[y, 1 - y, y] = 1 - 2 * error, error, error
    # Given L, Y is known where F agrees with L and a fair coin where it does not, at a chance of 2e.
    closed = 1 - 2 * binary_entropy(torch.tensor(error, dtype=torch.float64)) + 2 * error
    assert close(performance_correlation(table), closed)
    assert torch.sign(closed) == sign


def test_noisy_copies_of_a_classifier_are_explained_by_it():
    # Section 2.2: F = L Bernoulli(p), so that I(F;L) is small and mu_Y(F;L) = I(F;Y) all the same.
    ly = torch.tensor([[0.4, 0.1], [0.15, 0.35]], dtype=torch.float64)
    table = torch.stack((torch.stack((ly[0], 0.9 * ly[1])), torch.stack((torch.zeros(2).double(), 0.1 * ly[1]))))
    assert close(performance_correlation(table), mutual_information(table.sum(1)))


def test_leading_axes_are_independent_tables():
    batch = torch.rand(3, 4, 2, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    measures = [conditional_mutual_information, performance_correlation, null_performance_correlation]
    for measure in measures:
        single = torch.stack([measure(t) for t in batch.flatten(0, 1)]).reshape(3, 4)
        assert close(measure(batch), single)
    assert mutual_information(batch).shape == (3, 4, 2)


def test_joint_table_counts_cells_of_broadcast_arrays():
    rng = np.random.default_rng(0)
    F, L, Y = rng.random((3, 2, 50)) < 0.6, rng.random((2, 50)) < 0.3, rng.random(50) < 0.5
    table = joint_table(torch.from_numpy(F), torch.from_numpy(L), torch.from_numpy(Y))
    assert table.shape == (3, 2, 2, 2, 2)
    assert table.dtype == torch.float64
    for i, j in np.ndindex(3, 2):
        expected, _ = np.histogramdd(np.stack((F[i, j], L[j], Y), axis=1).astype(float), bins=(2, 2, 2))
        assert (table[i, j].numpy() == expected).all()


def test_weights_give_the_tables_of_resampled_points():
    generator = torch.Generator().manual_seed(0)
    F, L, Y = (torch.rand(shape, generator=generator) < 0.5 for shape in ((3, 40), (40,), (40,)))
    drawn = torch.randint(40, (5, 40), generator=generator)
    weights = torch.stack([torch.bincount(d, minlength=40) for d in drawn])
    table = joint_table(F, L, Y, weights)
    assert table.shape == (5, 3, 2, 2, 2)
    for b in range(5):
        assert torch.equal(table[b], joint_table(F[:, drawn[b]], L[drawn[b]], Y[drawn[b]]))


@pytest.mark.parametrize("kind", ["counts", "large", "shares"])
def test_weights_of_any_kind_are_summed_cell_by_cell(kind):
    generator = torch.Generator().manual_seed(1)
    F, L, Y = (torch.rand(s, generator=generator) < 0.5 for s in ((2, 3, 50), (2, 1, 50), (50,)))
    most = {"counts": 9, "large": 10**13, "shares": 9}[kind]
    weights = torch.randint(most, (4, 50), generator=generator).double() * (0.1 if kind == "shares" else 1)
    weights[:, Y] = 1 / 3 if kind == "shares" else 0  # cells of no weight are 0, and not what rounding leaves
    table = joint_table(F, L, Y, weights)
    assert table.shape == (4, 2, 3, 2, 2, 2)
    points = [each.expand(2, 3, 50).numpy().astype(int) for each in (F, L, Y)]
    expected = np.zeros(table.shape)
    for b, i, j, n in np.ndindex(4, 2, 3, 50):
        expected[b, i, j, points[0][i, j, n], points[1][i, j, n], points[2][i, j, n]] += weights[b, n].item()
    np.testing.assert_allclose(table.numpy(), expected, rtol=0 if kind == "counts" else 1e-14)


@quiet
@given(binary)
def test_null_model_is_that_of_the_brute_force_joint_table(table):
    target = mutual_information(table.sum(0)).item()

    def excess(q):
        return mutual_information(null_table(table, q).sum(0)).item() - target

    q = brentq(excess, 0, 1, xtol=1e-15) if excess(1) > 0 and excess(0) < 0 else float(target > 1e-12)
    null = null_table(table, q)
    mu = null_performance_correlation(table).item()
    assert mu == pytest.approx(performance_correlation(null).item(), abs=1e-12)
    assert mu == pytest.approx(mutual_information(null.sum(2)).item(), abs=1e-12)
    assert conditional_mutual_information(null).item() == pytest.approx(0, abs=1e-12)
    # The symmetric channel from Y to the null contracts information by its squared correlation.
    assert mu <= q**2 * mutual_information(table.sum(1)).item() + 1e-12


def test_null_model_is_that_of_a_simulation():
    rng, n = np.random.default_rng(0), 2_000_000
    Y = rng.random(n) < 0.55
    L, F = Y ^ (rng.random(n) < 0.15), Y ^ (rng.random(n) < 0.1)
    q = 0.7
    null = np.where(rng.random(n) < q, Y, rng.random(n) < 0.5)
    # L and the null are the same channel, so that both have the same information about Y.
    exact = null_performance_correlation(joint_table(*map(torch.from_numpy, (F, L, Y)))).item()
    drawn = performance_correlation(joint_table(*map(torch.from_numpy, (F, null, Y)))).item()
    # The sd of either estimate is about 1e-3 at this size.
    assert drawn == pytest.approx(exact, abs=4e-3)
    assert exact > 0.1


def test_null_model_of_a_perfect_classifier_is_the_label():
    table = torch.zeros(2, 2, 2, dtype=torch.float64)
    table[:, 0, 0], table[:, 1, 1] = torch.tensor([30.0, 12.0]), torch.tensor([5.0, 53.0])
    assert close(null_performance_correlation(table), mutual_information(table.sum(1)))


@pytest.mark.parametrize("constant", [0, 1])
def test_null_model_explains_nothing_where_a_variable_is_constant(constant):
    table = torch.zeros(3, 2, 2, 2, dtype=torch.float64)
    for axis in range(3):
        table[axis].select(axis, constant).copy_(torch.tensor([[4.0, 1.0], [2.0, 3.0]]))
    assert close(null_performance_correlation(table), torch.zeros(3))


true, four = torch.ones(4, dtype=torch.bool), torch.ones(4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mutual_information(torch.tensor([[1.0, -1.0]])), r"table entry -1.0 at index \(0, 1\); expected"),
        (lambda: performance_correlation(torch.full((2, 2, 2), math.nan)), r"table entry nan at index \(0, 0, 0\)"),
        (lambda: mutual_information(torch.tensor([[math.inf]])), "table entry inf"),
        (lambda: mutual_information(torch.zeros(2, 2, 2)), r"table at index \(0,\) sums to 0; expected"),
        (lambda: conditional_mutual_information(torch.ones(2, 2)), r"table of shape \(2, 2\); expected 3 axes"),
        (lambda: binary_entropy(torch.tensor([0.5, 1.5])), r"probability 1.5; expected a number in \[0, 1\]"),
        (lambda: binary_entropy(torch.tensor(math.nan)), "probability nan; expected"),
        (lambda: joint_table(four, true, true), "F of torch.float32; expected torch.bool"),
        (lambda: joint_table(true, true, true[:3]), r"F, L, Y of shapes \(4,\), \(4,\), \(3,\); expected"),
        (lambda: joint_table(true[:0], true[:0], true[:0]), r"F, L, Y of shape \(0,\); expected"),
        (lambda: joint_table(true, true, true, four), r"weights of shape \(4,\); expected \(B, 4\)"),
        (lambda: joint_table(true, true, true, -four[None]), r"weight -1.0 at index \(0, 0\); expected"),
    ],
)
def test_bad_input_is_refused_with_its_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
