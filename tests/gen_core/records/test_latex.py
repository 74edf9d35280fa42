"""Names with formulas as plain text: what a terminal and records show, and what is wrong with a formula."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen_core.records import has_formula, name_defect, pieces, plain_name
from gen_core.records.latex import LONGEST

PLAIN = {
    r"$\|W\|_F$": "|W|_F",
    r"$\|\Theta_1 - \Theta^\mathrm{lin1}\| / (n/d)$": "|Theta_1 - Theta^lin1| / (n/d)",
    r"largest $|\langle x, x'\rangle| / d / \sqrt{\log n / d}$": "largest |<x, x'>| / d / sqrt(log n / d)",
    r"$\left\| \Theta_{\mathrm{CNN}} - 2\zeta^2 X X^\top \right\|$": "| Theta_CNN - 2 zeta^2 X X^T |",
    r"$\mu(F;\tilde{L})/I(F;Y)$ at T0": "mu(F;L~)/I(F;Y) at T0",
    r"$d^{-\Omega(\alpha)}$": "d^-Omega(alpha)",
    r"$x^{a + b} x_{20}$": "x^(a + b) x_20",
    r"$\frac{n}{d}$, $\frac{a + b}{c d}$, $\frac12$": "n / d, (a + b) / (c d), 1 / 2",
    r"$\hat w \in \mathbb{R}^{n \times d}$": "hat(w) in R^(n x d)",
    r"$\sqrt[3]{x} \leq 1 \neq \infty$": "sqrt[3](x) <= 1 != inf",
    r"$1 - \varepsilon$, $2\vartheta_0$, $\ell_1$": "1 - epsilon, 2 theta_0, l_1",
    r"$\Pr[f_j \mid x] \to 0$, $\{1, \ldots, n\}$": "Pr[f_j | x] -> 0, {1, ..., n}",
    r"$w~x$ for \$5": "w x for $5",
}


@pytest.mark.parametrize(("name", "plain"), PLAIN.items())
def test_a_formula_as_plain_text(name, plain):
    assert (plain_name(name), name_defect(name)) == (plain, "")
    assert has_formula(name)


@pytest.mark.parametrize(
    "name",
    [
        "|w - w+| / |w+|",
        "loss",
        "R^2 {of} 50 % & more",
        r"a\b",
        "costs $5",
        "from $5 to $6",
        "$ x $",
        "in US$ or AU$",
        "",
    ],
)
def test_a_name_without_a_formula_stays_as_it_is(name):
    assert (plain_name(name), name_defect(name), has_formula(name)) == (name, "", False)


@given(st.text(st.characters(exclude_characters="$")))
def test_any_name_without_a_dollar_sign_stays_as_it_is(name):
    assert (plain_name(name), name_defect(name), has_formula(name)) == (name, "", False)
    assert pieces(name) == ([(False, name)] if name else [])


PARTS = st.sampled_from(
    [*"${}[]^_|&%~ ab1'é\n", "$", r"\frac", r"\left", r"\text", r"\sqrt", "\\", r"\begin{a}", "''", "``"]
)


@given(st.lists(PARTS).map("".join))
def test_any_text_has_a_plain_form_and_a_defect_of_one_line(name):
    assert isinstance(plain_name(name), str)
    assert "\n" not in name_defect(name)


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        (r"$\nosuch{x}$", r"$\nosuch{x}$ is no formula: \nosuch is not known"),
        (
            r"$\|W\|_F",
            "a dollar sign without its partner; expected LaTeX between two of them, or \\$ for the sign itself",
        ),
        ("$a^{b$", "$a^{b$ is no formula: Unexpected end of stream, was expecting '}'"),
        ("$a}b$", "$a}b$ is no formula: Unexpected mismatching closing brace: '}'"),
        (r"$\frac a$", r"$\frac a$ is no formula: End of input while parsing arguments of macro " + '"frac"'),
        (r"$\left( x$", r"$\left( x$ is no formula: 1 \left and 0 \right; expected as many"),
        (r"$\text\tilde$", r"$\text\tilde$ is no formula: \tilde has no argument in braces"),
        ("$a & b$", "$a & b$ is no formula: & in it; expected a formula of one line"),
        (r"$a \\ b$", r"$a \\ b$ is no formula: \\ in it; expected a formula of one line"),
        ("$a % b$", "$a % b$ is no formula: % b in it; expected a formula of one line"),
        (r"$\begin{matrix}a\end{matrix}$", r"\begin{matrix}a\end{matrix} in it; expected a formula of one line"),
        (f"${'{' * 1500}$", "nested too deep"),
        (f"$x$ {'y' * LONGEST}", f"{LONGEST + 4} characters with a formula; expected at most {LONGEST}"),
    ],
)
def test_what_is_wrong_with_a_formula_is_one_line_and_the_name_stays_as_it_is_written(name, defect):
    assert name_defect(name).endswith(defect)
    assert len(name_defect(name)) < 200
    assert plain_name(name) == name
