"""The keeping of measures: what one gave for a block of seeds is looked up by its code, its arguments and their runs.

A measure is a pure function of a run, per seed, so that what another claim, a control, a figure or a later look asks
for need not be computed again. Its key is of all that it depends on: the code that it and its arguments reach, and for
each run the recipe, the seeds, what they drew and the key of their training. Where one of these cannot be told - a
lambda, a run at other weights, code that reads files - nothing is kept.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from types import FunctionType
from typing import Any, Protocol, Self, TypeVar, overload

from torch import Tensor

from gen_core.checks import check_choice
from gen_core.code.bytecode import array_text
from gen_core.code.fingerprint import code_of
from gen_core.code.functions import code_behind
from gen_core.code.listening import opened_outside
from gen_core.code.objects import is_own
from gen_core.errors import InvalidClaim, InvalidExperiment
from gen_core.experiment import Experiment
from gen_core.finished import Origin
from gen_core.measuring.folder import Folder, Place
from gen_core.measuring.parts import FIRST, LAST, UNFIT, comes_back, join, take_apart, values_agree
from gen_core.recipe import brief, digest
from gen_core.run import Run, Runs
from gen_core.training.device import numbers_of_torch
from gen_core.training.streams import OwnNumbers
from gen_core.types import Data, Measured

FORM = 1
"""The form of what is kept; a change of it makes all that was kept unknown."""

MEASURES_STREAMS = "run.streams(name), one generator for each seed"

GIVEN = (Run, Runs, Measured)
"""Types of what a measure is given, whose code it reaches."""

_apart: dict[str, bool] = {}
"""Code of measures, and whether their values for some seeds do not depend on the other seeds."""


class Begun(Protocol):
    """Tells the digests of what some seeds of an experiment draw, as `gen_core.training.draws.begins_with`."""

    def __call__(self, experiment: Experiment, seeds: Sequence[int]) -> Sequence[tuple[int, int]]:
        """Of data and start."""
        ...

    def of_data(self, experiment: Experiment, seeds: Sequence[int]) -> Sequence[tuple[int, int]]:
        """Of data alone."""
        ...


Taken = TypeVar("Taken", bound=Callable[..., Any])


@overload
def measure(function: Taken) -> Taken: ...
@overload
def measure(*, seeds: str) -> Callable[[Taken], Taken]: ...
def measure(function: Any = None, *, seeds: str = "") -> Any:
    """Mark a function of a run as a measure, whose values are kept with the trainings and shared by all that ask.

    It must be pure: of its run, its other arguments and the code that it reaches alone, and its value for a seed must
    not depend on which other seeds are in the run. It may be asked for some of a run's seeds at a time. What opens a
    file, changes its run or is seen to mix seeds is measured each time.

    Args:
        function: (run, ...) -> a tensor with one entry per seed, a `Measured`, or a frozen dataclass of tensors. The
            first argument is a `Run` or `Runs`; the others are plain values, functions, tensors.
        seeds: "first" or "last", the axis of the seeds in its tensors; by default the first one for a `Run`, (seeds,
            ...), and the last one for `Runs`, (settings, seeds).

    Raises:
        InvalidClaim: from the measure, if its value has not one entry per seed.
    """
    if function is None:
        check_choice("seeds", seeds, ("first", "last"))
        return functools.partial(_marked, axis=FIRST if seeds == "first" else LAST)
    return _marked(function)


def _marked(function: Callable[..., Any], axis: int | None = None) -> Callable[..., Any]:
    if not isinstance(function, FunctionType):
        raise InvalidClaim(f"measure {brief(function)}; expected a function of a run")

    @functools.wraps(function)
    def measured(run: Run | Runs, *args: Any, **kwargs: Any) -> Any:
        at = axis if axis is not None else FIRST if isinstance(run, Run) else LAST
        return _measured(function, at, run, args, kwargs)

    return measured


def _measured(function: Callable[..., Any], axis: int, run: Run | Runs, args: tuple, kwargs: dict[str, Any]) -> Any:
    """The value of a measure, from what is kept as far as it is, the rest measured now and kept."""
    wanted = _Wanted.of(function, run, args, kwargs)
    if wanted is None:
        return function(run, *args, **kwargs)
    folder, sizes, name = Folder(wanted.store), wanted.sizes, _name(function)
    places = [Place(folder, key, name, of) for key, of in zip(wanted.keys, wanted.trainings, strict=True)]
    found = [place.load() for place in places]
    lacking = [i for i, part in enumerate(found) if part is None]
    if not lacking:
        with contextlib.suppress(*UNFIT):
            return join([part for part in found if part is not None], axis)
        lacking = [*range(len(sizes))]
    if len(sizes) > 1 and sum(sizes[i] for i in lacking) == 1:  # of one seed alone it cannot be told what seeds share
        lacking = sorted({*lacking, next(i for i in range(len(sizes)) if i not in lacking)})
    whole = len(lacking) == len(sizes)
    some = run if whole else _of_blocks(run, lacking)
    with OwnNumbers(f"the measure {name}", MEASURES_STREAMS), opened_outside() as opened:  # before anything is kept
        value = function(some, *args, **kwargs)
    changed = not all(one.origin and one.origin.fits(one) for one in ([some] if isinstance(some, Run) else some))
    parts = take_apart(value, axis, [sizes[i] for i in lacking], name)
    kept = not opened and not changed and comes_back(parts, axis, value)
    several = next((i for i in lacking if sizes[i] > 1), None) if len(lacking) > 1 else None
    if kept and several is not None and is_own(function.__module__):
        beside = join([parts[lacking.index(several)]], axis)
        kept = _keeps_seeds_apart(wanted.code, lambda: function(_of_blocks(run, [several]), *args, **kwargs), beside)
    if not kept:
        return value if whole else function(run, *args, **kwargs)
    for i, part in zip(lacking, parts, strict=True):
        found[i] = part
        places[i].save(part)
    return value if whole else join([part for part in found if part is not None], axis)


def _keeps_seeds_apart(code: str, alone: Callable[[], Any], beside_others: Any) -> bool:
    """Whether some seeds have the same value alone as beside others, asked once of each measure."""
    if code not in _apart:
        _apart[code] = values_agree(alone(), beside_others)
    return _apart[code]


def place_of(function: Callable[..., Any], run: Run | Runs) -> Place | None:
    """Where what a function of a run gave for all its seeds together is kept, such as a figure; None as `measure`."""
    wanted = _Wanted.of(function, run, (), {})
    if wanted is None:
        return None
    trainings = dict.fromkeys(each for keys in wanted.trainings for each in keys)
    return Place(Folder(wanted.store), digest("of all seeds", tuple(wanted.keys)), _name(function), [*trainings])


def place_of_draws(
    check: Callable[..., Any], experiment: Experiment, state: str, seeds: Sequence[int], store: Path, begun: Begun
) -> Place | None:
    """Where what a function of an experiment and its draws gave for some seeds is kept; None as `measure`.

    Args:
        check: the function; the start counts where it has a parameter of this name.
        experiment: the experiment.
        state: its digest by `gen_core.training.states.state_of`.
        seeds: the seeds.
        store: the folder of the store.
        begun: tells the digests of what they draw.
    """
    if not (code := code_behind(check, Experiment, Data)):
        return None
    drawn = begun if "start" in inspect.signature(check).parameters else begun.of_data
    key = digest("of draws", FORM, _named(check, code), state, tuple(seeds), tuple(drawn(experiment, seeds)))
    return Place(Folder(store), key, _name(check), [])


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


@dataclass(frozen=True)
class _Wanted:
    """What is asked of a measure, the code behind it, and block by block: seeds, key, the keys of the trainings."""

    store: Path
    code: str
    sizes: list[int]
    keys: list[str]
    trainings: list[list[str]]

    @classmethod
    def of(cls, function: Callable[..., Any], run: Run | Runs, args: tuple, kwargs: dict[str, Any]) -> Self | None:
        """None where it cannot be told what the measure depends on."""
        runs = {"": run} if isinstance(run, Run) else run.runs
        if any(type(one) is not Run for one in runs.values()):  # the code of another type is not among what is reached
            return None
        origins = [one.origin for one in runs.values() if one.origin is not None and one.origin.fits(one)]
        sizes = [source.size for source in origins[0].sources] if origins else []
        alike = all([source.size for source in each.sources] == sizes for each in origins)
        code = code_behind(function, *GIVEN)
        if len(origins) < len(runs) or not alike or not code or (given := _form([*args, *kwargs.values()])) is None:
            return None
        marks = [[source.mark for source in each.sources] for each in origins]
        if not all(map(all, marks)):
            return None
        mutations = tuple((label, one.mutation) for label, one in runs.items())
        x = () if isinstance(run, Run) else tuple(map(float, run.x))
        what = digest(FORM, numbers_of_torch(), _named(function, code), (*given, *kwargs), mutations, x)
        blocks = [*zip(*marks, strict=True)]
        trainings = [[source.key for source in sources] for sources in zip(*(o.sources for o in origins), strict=True)]
        if any(isinstance(each, Tensor) for each in (*args, *kwargs.values())):  # it may be of all seeds
            trainings = [list(dict.fromkeys(key for keys in trainings for key in keys))]
            return cls(origins[0].store, code, [sum(sizes)], [digest(what, tuple(blocks))], trainings)
        return cls(origins[0].store, code, sizes, [digest(what, block) for block in blocks], trainings)


def _form(values: Sequence[Any]) -> list[str] | None:
    """Arguments as text, equal for equal ones in every process; None where one has no such form."""
    found = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(array_text(value))
        elif callable(value):
            if not (code := code_behind(value)):
                return None
            found.append(_named(value, code))
        else:
            try:
                found.append(f"{digest(value)} {value!r} {code_of(value)}")  # 1 and 1.0 are one recipe
            except InvalidExperiment:
                return None
    return found


def _named(function: Callable[..., Any], code: str) -> str:
    """A function, or a dataclass that is called as one with its values, beside its code."""
    held = is_dataclass(function) and not isinstance(function, type)
    name = f"{digest(function)} {function!r}" if held else getattr(function, "__qualname__", "")
    return f"{name} {code}"


def _of_blocks(run: Run | Runs, blocks: list[int]) -> Run | Runs:
    """A run of the seeds of some of its blocks."""
    if isinstance(run, Runs):
        return Runs({label: _run_of_blocks(one, blocks) for label, one in run.runs.items()}, run.x)
    return _run_of_blocks(run, blocks)


def _run_of_blocks(run: Run, blocks: list[int]) -> Run:
    assert run.origin is not None
    sources = run.origin.sources
    of = [block for block, source in enumerate(sources) for _ in range(source.size)]
    rows = [row for row, block in enumerate(of) if block in blocks]
    some = replace(run, seeds=tuple(run.seeds[row] for row in rows), result=run.result.rows(rows))
    return replace(some, origin=Origin.of_run(run.origin.store, tuple(sources[i] for i in blocks), some))
