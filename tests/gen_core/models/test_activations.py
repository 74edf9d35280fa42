import pytest
import torch
from scipy import special

from gen_core.errors import InvalidExperiment
from gen_core.models.activations import ACTIVATIONS, activation

Z = torch.linspace(-60, 60, 2401, dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relu", Z.clamp(min=0)),
        ("leaky_relu", torch.where(Z > 0, Z, 0.2 * Z)),
        ("erf", torch.from_numpy(special.erf(Z.numpy()))),
        ("tanh", torch.from_numpy(special.expit(2 * Z.numpy()) - special.expit(-2 * Z.numpy()))),
        ("sigmoid", torch.from_numpy(special.expit(Z.numpy()))),
        ("softplus", torch.from_numpy(-special.log_expit(-Z.numpy()))),
        ("identity", Z),
    ],
)
def test_activation_against_scipy(name, expected):
    torch.testing.assert_close(activation(name)(Z), expected, rtol=1e-14, atol=1e-15)


def test_float32_keeps_its_dtype_and_stays_finite():
    for name in ("softplus", "sigmoid", "erf"):
        out = activation(name)(Z.float())
        assert out.dtype == torch.float32
        assert out.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_is_computed_in_place_is_what_autograd_computes(name, dtype):
    phi, z = activation(name), Z[Z != 0].to(dtype)
    g = torch.randn(z.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    leaf = z.clone().requires_grad_()
    expected = phi(leaf)
    (slope,) = torch.autograd.grad(expected, leaf, g)
    z, g = z.clone(), g.clone()
    h = phi.forward(z)
    assert torch.equal(h, expected)
    assert (h.data_ptr() == z.data_ptr()) != phi.by_input
    found = phi.backward(g, z if phi.by_input else h)
    assert found.data_ptr() == g.data_ptr()
    torch.testing.assert_close(found, slope)


def test_the_function_leaves_its_input_alone():
    for name in ACTIVATIONS:
        z = Z.clone()
        activation(name)(z)
        assert torch.equal(z, Z)
        assert activation(name).name == name


def test_unknown_name():
    with pytest.raises(InvalidExperiment, match=r"^activation 'foo'; expected one of relu, leaky_relu, erf, "):
        activation("foo")
