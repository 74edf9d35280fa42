import numpy as np
import pytest
import torch
from scipy import integrate, special

from gen_core.errors import InvalidExperiment
from gen_core.models.activations import ACTIVATIONS, Polynomial, activation

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
    for name in ("foo", ["relu"], None):
        with pytest.raises(InvalidExperiment, match=r"^activation .*; expected one of relu, .*, or a Polynomial$"):
            activation(name)


NAMED = {
    "relu": lambda z: max(z, 0.0),
    "erf": special.erf,
    "tanh": np.tanh,
    "softplus": lambda z: float(np.logaddexp(0, z)),
    "leaky_relu": lambda z: z if z > 0 else 0.2 * z,
}
RECIPES = [
    Polynomial(10),
    Polynomial(3, (-1, 5), "leaky_relu"),
    Polynomial(7, (-3, 3), "erf"),
    Polynomial(4, (0.5, 2.5), "tanh"),
    Polynomial(6, (-6, 2), "softplus"),
    Polynomial(1),
]


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_a_polynomial_is_the_least_squares_fit_on_its_interval(recipe):
    """What it leaves is orthogonal to every polynomial of its degree, by adaptive quadrature."""
    (low, high), of = recipe.interval, NAMED[recipe.of]
    phi = activation(recipe)
    kink = [0.0] if low < 0 < high else None

    def mean(function):
        return integrate.quad(function, low, high, points=kink, epsabs=1e-12, epsrel=1e-11, limit=200)[0] / (high - low)

    def left(z):
        return of(z) - float(phi(torch.tensor(z, dtype=torch.float64)))

    for k in range(recipe.degree + 1):
        power = np.polynomial.Polynomial.basis(k, domain=[low, high])  # of t in [-1, 1]
        assert abs(mean(lambda z, power=power: left(z) * power(z))) < 1e-10
    grid = torch.linspace(low, high, recipe.degree + 2, dtype=torch.float64)
    shape = np.polynomial.Polynomial.fit(grid.numpy(), phi(grid).numpy(), recipe.degree)  # passes through all of them
    z = torch.linspace(low, high, 301, dtype=torch.float64)
    torch.testing.assert_close(phi(z), torch.from_numpy(shape(z.numpy())), rtol=1e-9, atol=1e-9)


def test_a_polynomial_known_in_closed_form():
    z = torch.linspace(-2, 2, 41, dtype=torch.float64)  # outside its interval too
    expected = 15 / 32 * z**2 + z / 2 + 3 / 32  # of relu on [-1, 1], by hand
    torch.testing.assert_close(activation(Polynomial(2, (-1, 1)))(z), expected, rtol=1e-13, atol=1e-13)


def test_a_high_degree_is_stable_and_converges():
    z = torch.linspace(-50, 50, 999, dtype=torch.float64)
    for of, limit in (("tanh", 0.02), ("relu", 0.2)):
        phi = activation(Polynomial(150, (-50, 50), of))
        assert (phi(z) - activation(of)(z)).abs().max() < limit
        assert (phi(z.float()) - phi(z)).abs().max() < 1e-4


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_the_slope_of_a_polynomial_is_autograds(recipe, dtype):
    z = torch.linspace(*recipe.interval, 37, dtype=torch.float64).to(dtype)
    g = torch.randn(z.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    phi, leaf, kept = activation(recipe), z.clone().requires_grad_(), z.clone()
    out = phi(leaf)
    (slope,) = torch.autograd.grad(out, leaf, g, create_graph=True)
    assert torch.equal(phi.forward(z), out)
    assert torch.equal(z, kept)
    assert phi.by_input
    found = phi.backward(g, z)
    assert found.data_ptr() == g.data_ptr()
    torch.testing.assert_close(found, slope.detach())
    if recipe.degree > 1 and dtype == torch.float64:
        assert torch.autograd.gradgradcheck(phi, leaf)
    assert phi is activation(Polynomial(recipe.degree, recipe.interval, recipe.of))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((0,), "degree 0; expected an integer from 1 to 200"),
        ((2.0,), "degree 2.0; expected an integer from 1 to 200"),
        ((2, 3), "interval 3; expected a tuple of two numbers"),
        ((2, (1, 1)), "interval to 1; expected a finite number > 1"),
        ((2, (-1, float("inf"))), "interval to inf; expected a finite number > -1"),
        ((2, (-1, 1), "foo"), "of 'foo'; expected 'relu' or 'leaky_relu' or 'erf' or 'tanh' or 'sigmoid' or "),
    ],
)
def test_messages_of_polynomials(options, message):
    with pytest.raises(InvalidExperiment) as caught:
        Polynomial(*options)
    assert str(caught.value).startswith(message)
