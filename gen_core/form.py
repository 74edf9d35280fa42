"""The form of an expectation, read from a claim's source: at which numbers of seeds it can be decided."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from gen_core.statistics import LAST_LOOK, LAST_LOOK_AT_SHARE, least_seeds, looks, looks_at_share

MEDIAN = 0.5
"""A median on one side of a limit is a share of half of the seeds there."""


@dataclass(frozen=True)
class Form:
    """What an expectation asks of the seeds.

    Attributes:
        method: the method of `expect`.
        share: the share of seeds that must meet it, one half for a median; None for a mean or the worst seed.
    """

    method: str
    share: float | None = None

    def most(self, most: int | None) -> int:
        """The largest number of seeds: that of the form, or fewer."""
        last = LAST_LOOK_AT_SHARE if self.method.startswith("mostly") else LAST_LOOK
        return min(most or last, last)

    def looks(self, level: float, first: int, most: int | None, *, holds: bool) -> tuple[int, ...]:
        """Numbers of seeds at which it is judged.

        Args:
            level: chance of a wrong verdict per side over all looks.
            first: smallest number of seeds at the first look.
            most: largest number of seeds; None for that of the form.
            holds: whether HOLDS is expected; REFUTED otherwise.
        """
        most = self.most(most)
        decisive = looks_at_share(self.share, level=level, first=first, most=most, holds=holds) if self.share else ()
        return decisive or looks(first, most)

    def refusal(self, level: float, most: int) -> str:
        """Why it can never HOLD or never be REFUTED with at most this number of seeds, in words; "" if it can."""
        if self.share is None:
            return ""
        for word, share in (("HOLD", self.share), ("be REFUTED", 1 - self.share)):
            if (least := least_seeds(share, level=level)) > most:
                return (
                    f"{self.method} of {self.share:g} of the seeds can {word} from {least} seeds on at a level of "
                    f"{level:.2g}, and the last look is at {most}; expected a share nearer to one half, more seeds "
                    "(--max-seeds) or a larger --error-budget"
                )
        return ""


def form_of(test: Callable[..., object]) -> Form | None:
    """The form of the one expectation in a test's source; None where it cannot be told without running the test."""
    stated = _stated(test)
    if stated is None:
        return None
    method = stated.func.attr  # type: ignore[attr-defined]
    if method.startswith("mostly"):
        share = _number(next((k.value for k in stated.keywords if k.arg == "share"), None), test)
        return Form(method, share) if share is not None and 0 < share < 1 else None
    return Form(
        method, MEDIAN if method.startswith("typically") or method in ("increases_in", "decreases_in") else None
    )


def stated_name(test: Callable[..., object]) -> str:
    """The name of the quantity in a test's one expectation; "" where its source does not have it as a string."""
    stated = _stated(test)
    if stated is None:
        return ""
    call: ast.Call = stated.func.value  # type: ignore[attr-defined]
    name = (*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "name"), None)[0]
    return name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else ""


@functools.lru_cache(maxsize=1)
def _stated(test: Callable[..., object]) -> ast.Call | None:
    """The call that states the one expectation of a test's source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(test)))
    except (OSError, TypeError, SyntaxError):
        return None
    stated = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_expectation(node.func)]
    return stated[0] if len(stated) == 1 else None


def _is_expectation(function: ast.expr) -> bool:
    """Whether this is a method of what `expect(...)` returns."""
    if not (isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call)):
        return False
    called = function.value.func
    return (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) == "expect"


def _number(node: ast.expr | None, test: Callable[..., object]) -> float | None:
    """The value of a literal, or of a global name of the test."""
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(node, ast.Name):
        value = getattr(inspect.unwrap(test), "__globals__", {}).get(node.id)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
