import math

import numpy as np
import pytest
import torch
from scipy import stats

from gen_core.data import Gaussian
from gen_core.errors import InvalidExperiment


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_gaussian_entries_are_standard_normal_and_targets_linear():
    data = Gaussian(400, 50, n_test=30).draw(seeded(0))
    assert stats.kstest(data.X.flatten().numpy(), "norm").pvalue > 0.01
    assert stats.kstest(data.X_test.flatten().numpy(), "norm").pvalue > 0.01
    w = np.linalg.lstsq(data.X.numpy(), data.y.numpy(), rcond=None)[0]
    np.testing.assert_allclose(data.X_test.numpy() @ w, data.y_test.numpy(), atol=1e-12)
    assert stats.kstest(w * math.sqrt(50), "norm").pvalue > 0.01


def test_gaussian_noise_has_the_given_deviation_on_both_sides():
    data = Gaussian(4000, 3, noise=0.25, n_test=4000).draw(seeded(0))
    w = np.linalg.lstsq(data.X.numpy(), data.y.numpy(), rcond=None)[0]
    for X, y in ((data.X, data.y), (data.X_test, data.y_test)):
        assert np.std(y.numpy() - X.numpy() @ w) == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize(("n", "d"), [(20, 100), (30, 30), (100, 20), (1, 5)])
@pytest.mark.parametrize("kappa", [1, 10, 1e6])
def test_conditioned_singular_values_are_log_spaced_and_exact(n, d, kappa):
    if n == 1 and kappa > 1:
        with pytest.raises(InvalidExperiment, match="expected 1 for X of one row or one column"):
            Gaussian(n, d, condition=kappa)
        return
    data_set = Gaussian(n, d, condition=kappa)
    s = np.linalg.svd(data_set.draw(seeded(0)).X.numpy(), compute_uv=False)
    np.testing.assert_allclose(s, math.sqrt(d) * np.geomspace(1, 1 / kappa, min(n, d)), rtol=1e-8)
    assert data_set.largest_singular_value == pytest.approx(s[0], rel=1e-12)


def test_conditioned_directions_are_uniform():
    # An entry of a uniform rotation of R^3 is uniform on [-1, 1] (Archimedes). U V^T with kappa = 1 would hide a
    # bias of U alone, so that the first column of U is read off the leading singular pair with kappa large.
    draws = [Gaussian(3, 3, condition=1e9).draw(seeded(i)).X / math.sqrt(3) for i in range(800)]
    for row in range(3):
        length = np.array([float(torch.linalg.vector_norm(X[row])) for X in draws])  # |U[row, 0]|
        assert stats.kstest(length, "uniform").pvalue > 0.01
    rotation = [Gaussian(3, 3, condition=1).draw(seeded(i)).X[0, 0] / math.sqrt(3) for i in range(800)]
    assert stats.kstest(np.array(rotation), "uniform", args=(-1, 2)).pvalue > 0.01


def test_conditioned_held_out_points_have_the_training_second_moment():
    data = Gaussian(8, 4, condition=5, n_test=200_000).draw(seeded(0))
    expected = data.X.T @ data.X / 8
    torch.testing.assert_close(data.X_test.T @ data.X_test / 200_000, expected, atol=0.02, rtol=0)


def test_gaussian_bounds_hold_for_the_mean_draw_and_by_concentration_for_each():
    for data_set in (Gaussian(20, 100), Gaussian(200, 50)):
        draws = [data_set.draw(seeded(i)).X for i in range(100)]
        largest = torch.stack([torch.linalg.matrix_norm(X, 2) for X in draws])
        norms = torch.stack([torch.linalg.vector_norm(X, dim=1).max() for X in draws])
        for values, bound in ((largest, data_set.largest_singular_value), (norms, data_set.largest_row_norm)):
            assert values.mean() <= bound
            assert values.max() <= bound + math.sqrt(2 * math.log(1e6))
            assert values.mean() >= 0.8 * bound
    conditioned = Gaussian(20, 100, condition=30)
    assert torch.linalg.vector_norm(conditioned.draw(seeded(0)).X, dim=1).max() <= conditioned.largest_row_norm
