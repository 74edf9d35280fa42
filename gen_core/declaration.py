"""Claims: a decorator that attaches a paper's statement, its settings and its controls to a plain test function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import ParamSpec, TypeVar

import pytest

from gen_core.assuming import Assumption
from gen_core.checks import check_name, check_words
from gen_core.defaults import SCALES
from gen_core.errors import InvalidClaim, Refuted
from gen_core.experiment import Experiment
from gen_core.form import Form, form_of, stated_name
from gen_core.papers import Citation
from gen_core.recipe import brief
from gen_core.records import Figure, Kind
from gen_core.run import Mutation, Run, Runs, joined
from gen_core.settings import Arms, AtScale, Setting, Sweep, experiments
from gen_core.statistics import LAST_LOOK

Test = TypeVar("Test", bound=Callable[..., None])
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Scaled = Setting | AtScale


@dataclass(frozen=True)
class Claim:
    """The declaration that `@claim` attaches: the source of a statement, its hypotheses, and how it is run.

    `not_reproduced` has the scales at which it is declared so, each with the reason.
    """

    cite: Citation
    title: str
    statement: str
    formula: str
    assuming: tuple[Assumption, ...]
    not_reproduced: tuple[tuple[str, str], ...]
    first_look: int
    figure: Callable[..., Figure] | None
    form: Form | None


@dataclass(frozen=True)
class Case:
    """One test of a claim: a setting, or a control that drops a hypothesis or mutates the measure."""

    claim: Claim
    name: str
    setting: Scaled
    drops: Assumption | Mutation | None = None

    @property
    def kind(self) -> Kind:
        """The kind of a case: a setting, a control that drops a hypothesis, or one that mutates the measure."""
        if self.drops is None:
            return "setting"
        return "mutation" if isinstance(self.drops, Mutation) else "control"

    def at(self, scale: str) -> Setting:
        """The setting at a scale."""
        return self.setting.at(scale) if isinstance(self.setting, AtScale) else self.setting

    def not_reproduced(self, scale: str) -> str:
        """Why the statement is not reproduced in this setting at a scale; "" where it is, and for controls.

        What is said of the standard scale is said of a scale that has the standard setting.
        """
        said = {} if self.drops else dict(self.claim.not_reproduced)
        return said.get(scale, said.get("standard", "") if self.at(scale) == self.at("standard") else "")

    def experiments(self, scale: str) -> dict[str, Experiment]:
        """Label -> experiment at a scale."""
        return experiments(self.at(scale))

    def joined(self, scale: str, runs: Sequence[Run]) -> Run | Runs:
        """The test's `run` argument, made from the runs of its experiments at a scale, in the same order."""
        if isinstance(self.drops, Mutation):
            runs = [replace(run, mutation=self.drops.name) for run in runs]
        return joined(self.at(scale), runs)


def _with_its_arguments(declare: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Arguments that are missing, unknown or not named end in one line."""

    @wraps(declare)
    def declared(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            inspect.signature(declare).bind(*args, **kwargs)
        except TypeError as error:
            expected = "expected @claim(cite=..., given=..., without={...}), all by name"
            raise InvalidClaim(f"@claim: {error}; {expected}") from None
        return declare(*args, **kwargs)

    return declared


@_with_its_arguments
def claim(
    *,
    cite: Citation,
    given: Scaled | Mapping[str, Scaled],
    assuming: Sequence[Assumption] = (),
    without: Mapping[Assumption | Mutation, Scaled | Mapping[str, Scaled]] | None = None,
    formula: str = "",
    not_reproduced: str | Mapping[str, str] = "",
    first_look: int = 8,
    figure: Callable[..., Figure] | None = None,
) -> Callable[[Test], Test]:
    """Declare a claim: the test takes its `run` (a `Run`, or `Runs` for arms and sweeps) and ends in one `expect`.

    Args:
        cite: the place in the paper.
        given: the setting, or several by name; an experiment, `Arms`, a `Sweep`, or any of them `AtScale`.
        assuming: the hypotheses. They must hold in every setting; a control must break the one that it drops and no
            other, in every seed. Those on the run are checked before the test is called: a control in which, say, the
            training failed is then an ERROR, and not refuted for a wrong reason.
        without: the controls: hypothesis -> the setting without it. They must be REFUTED. Only a claim that is not
            reproduced, at some scale, needs none, since it has shown that it can fail. An identity has no hypothesis to
            drop: its control is a `Mutation`, a wrong measure that the test uses where `run.mutated_by(mutation)`.
        formula: the paper's formula in LaTeX, without dollar signs, for the report.
        not_reproduced: why the paper's statement is not reproduced here, at all scales, or scale -> why. The verdict
            must then be REFUTED. At a scale that is left out, settings other than the standard ones are claimed.
        first_look: number of seeds at the first look, or the smallest larger one that can decide a median or a share;
            4 only where a seed is expensive.
        figure: run -> the paper's figure, for the report.

    Raises:
        InvalidClaim: if the declaration is not well formed.
    """

    def validate(test: Test, statement: str) -> None:
        where = test.__name__
        if not statement:
            raise InvalidClaim(f"{where} has no docstring; expected the paper's statement and what is measured")
        if given is None or given == {}:
            raise InvalidClaim(f"{where} has an empty `given`; expected at least one setting")
        if isinstance(assuming, str) or not isinstance(assuming, Sequence):
            raise InvalidClaim(f"{where} has assuming={brief(assuming)}; expected a list of hypotheses, [hypothesis]")
        if without is not None and not isinstance(without, Mapping):
            raise InvalidClaim(
                f"{where} has without={brief(without)}; expected hypothesis -> setting, {{hypothesis: setting}}"
            )
        if isinstance(not_reproduced, Mapping):
            for scale, why in not_reproduced.items():
                check_words(f"{where} has not_reproduced at {scale}", why)
                if scale not in SCALES:
                    raise InvalidClaim(f"{where} has not_reproduced at {brief(scale)}; expected {', '.join(SCALES)}")
        else:
            check_words(f"{where} has not_reproduced", not_reproduced, empty=True)
        if not without and not not_reproduced:
            raise InvalidClaim(
                f"{where} has no control; expected `without`, since a claim that cannot fail is not a test"
            )
        if not isinstance(cite, Citation):
            raise InvalidClaim(f"{where} cites {cite!r}; expected a place in a paper, Paper(...).at('Theorem 1')")
        if not isinstance(formula, str) or "$" in formula:
            raise InvalidClaim(f"{where} has formula {formula!r}; expected LaTeX without dollar signs, as a string")
        if type(first_look) is not int or not 2 <= first_look <= LAST_LOOK:
            raise InvalidClaim(
                f"{where} has first_look {brief(first_look)}; expected a number of seeds from 2 to {LAST_LOOK}"
            )
        if figure is not None and not callable(figure):
            raise InvalidClaim(f"{where} has figure {brief(figure)}; expected a function of the run")
        for hypothesis in (*assuming, *(key for key in without or () if not isinstance(key, Mutation))):
            if not isinstance(hypothesis, Assumption):
                raise InvalidClaim(f"{where} names {hypothesis!r}; expected a hypothesis, made with @assumption")
        if name := stated_name(test):
            check_name(f"name of what {where} expects", name)
        if "run" not in inspect.signature(test).parameters:
            raise InvalidClaim(f"{where} takes no `run`; expected the finished experiment as a parameter of that name")

    def attach(test: Test) -> Test:
        module, where = inspect.getmodule(test), test.__name__
        statement = inspect.getdoc(test) or (inspect.getdoc(module) if module else None) or ""
        validate(test, statement)
        declared = Claim(
            cite,
            _first_sentence(statement),
            statement,
            formula,
            tuple(assuming),
            _by_scale(not_reproduced),
            first_look,
            figure,
            form_of(test),
        )
        cases = [Case(declared, name, setting) for name, setting in _named(given, "given")]
        for dropped, settings in (without or {}).items():
            how = "mutated" if isinstance(dropped, Mutation) else "without"
            if how == "without" and dropped not in declared.assuming:
                raise InvalidClaim(f"{where} drops {dropped.name!r}; expected one of its `assuming`")
            for name, setting in _named(settings, ""):
                suffix = f"-{name}" if name else ""
                cases.append(Case(declared, f"{how}-{dropped.name}{suffix}", setting, dropped))
        parameters = [pytest.param(case, id=case.name) for case in cases]
        return pytest.mark.parametrize("run", parameters, indirect=True)(test)

    return attach


def cases_of(test: object) -> dict[str, Case]:
    """Name -> case of a test declared with `claim`; empty for anything else."""
    for mark in getattr(test, "pytestmark", ()):
        if mark.name == "parametrize" and mark.args[0] == "run":
            return {parameter.id: parameter.values[0] for parameter in mark.args[1]}
    return {}


def _named(settings: Scaled | Mapping[str, Scaled], default: str) -> list[tuple[str, Scaled]]:
    named = list(settings.items()) if isinstance(settings, Mapping) else [(default, settings)]
    for name, setting in named:
        if not isinstance(name, str) or not name.isprintable():
            raise InvalidClaim(f"setting {name!a}; expected a name of printable characters")
        if not isinstance(setting, (Experiment, Arms, Sweep, AtScale)):
            raise InvalidClaim(
                f"setting {name or 'of a control'!r} is {setting!r}; expected an Experiment, Arms, a Sweep or AtScale"
            )
    return named


def _by_scale(not_reproduced: str | Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    if isinstance(not_reproduced, str):
        return tuple((scale, not_reproduced) for scale in SCALES if not_reproduced)
    return tuple(not_reproduced.items())


def verdict_marks(case: Case, scale: str) -> list[pytest.MarkDecorator]:
    """The xfail mark of a case that must be REFUTED at a scale; no other belongs on a claim."""
    if isinstance(case.drops, Mutation):
        reason = f"control: the measure is mutated, {case.drops.name}"
    elif case.drops:
        reason = f"control: {case.drops.name} is dropped"
    elif why := case.not_reproduced(scale):
        reason = f"not reproduced: {why}"
    else:
        return []
    return [pytest.mark.xfail(raises=Refuted, strict=True, reason=reason)]


def _first_sentence(statement: str) -> str:
    return " ".join(statement.split("\n\n")[0].split())
