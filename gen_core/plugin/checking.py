"""The hypotheses of a case: checked on what its seeds draw before it trains, and on the finished run."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable

import torch
from torch import Tensor

from gen_core.assuming import Assumption
from gen_core.code.listening import opened_outside
from gen_core.declaration import Case
from gen_core.errors import AssumptionViolated
from gen_core.experiment import Experiment
from gen_core.lab import Lab, looked_up
from gen_core.measuring import Part, Place, place_of, place_of_draws
from gen_core.plugin.session import Asked, Session
from gen_core.records import CaseRecord, Hypothesis
from gen_core.run import Run, Runs
from gen_core.training.draws import check_unchanged
from gen_core.training.seeding import seed_numbers
from gen_core.training.states import state_of, states_told_once


def check_draws(session: Session, record: CaseRecord, case: Case, start: int, stop: int) -> None:
    """Check the hypotheses on draws, for seeds `start` to `stop - 1`, and record them.

    Raises:
        AssumptionViolated: if one does not hold in all experiments, or one that is dropped is not broken.
    """
    experiments = case.experiments(session.scale).values()
    names = [hypothesis.name for hypothesis in case.claim.assuming]
    who = f"the hypothesis {names[0]!r}" if len(names) == 1 else f"one of the hypotheses {', '.join(names)}"
    keys = {state_of(one): one for one in experiments} if names and start < stop else {}
    drawn = {state_of(one.data): one for one in keys.values()}
    seeds = seed_numbers(session.base, start, stop)
    # A mutated measure is recorded after the hypotheses; there is nothing to check about it.
    both = zip(record.hypotheses, case.claim.assuming, strict=False)
    checked = {assumption: hypothesis for hypothesis, assumption in both if not assumption.of_run}
    known = _Known(session, seeds)
    known.recall(checked, keys)

    @states_told_once()
    def ask(seed: int) -> None:
        said = ChainMap[Asked, tuple[bool, str]]({}, session.checked)
        try:
            for assumption, hypothesis in checked.items():
                for key, one in keys.items():
                    if (assumption, key, seed) not in said:
                        said[assumption, key, seed] = _checked(assumption, one, seed)
                _compare(hypothesis, [said[assumption, key, seed] for key in keys], seed)
        finally:
            for experiment in drawn.values():
                check_unchanged(experiment, seed, who)
        session.checked |= said.maps[0]  # not before the data are known to be as they were

    with opened_outside() as opened:
        for seed in seeds:
            ask(seed)
    if not opened:
        session.unkept.append(known.keep)


class _Known:
    """What hypotheses said of the draws of some seeds in this run and before."""

    def __init__(self, session: Session, seeds: tuple[int, ...]) -> None:
        self.session, self.seeds = session, seeds
        self.lacking: list[tuple[Assumption, str, Experiment]] = []

    @states_told_once()
    def recall(self, assumptions: Iterable[Assumption], experiments: dict[str, Experiment]) -> None:
        """Take over what is kept and has not been asked in this process; nothing is drawn where nothing can be kept."""
        lab, checked = self.session.lab, self.session.checked
        if lab is None or not lab.keeps_measures:
            return
        for assumption in assumptions:
            for key, one in experiments.items():
                if all((assumption, key, seed) in checked for seed in self.seeds) or looked_up(one):
                    continue
                told = lab.begun.is_told(one, self.seeds, start=assumption.asks_start)
                place = self._place(lab, assumption, key, one) if told else None
                if place is None or (kept := place.load()) is None:
                    self.lacking.append((assumption, key, one))
                    continue
                said = zip(kept.tensors["holds"].tolist(), kept.common["words"], strict=True)
                checked |= {(assumption, key, seed): each for seed, each in zip(self.seeds, said, strict=True)}

    @states_told_once()
    def keep(self) -> None:
        """Keep what was lacking and has been asked by now, best after the training, which tells what was drawn."""
        lab = self.session.lab
        for assumption, key, one in self.lacking:
            if lab is None or (place := self._place(lab, assumption, key, one)) is None:
                continue
            said = [self.session.checked[assumption, key, seed] for seed in self.seeds]
            holds = torch.tensor([holds for holds, _ in said])
            place.save(Part("", {"holds": holds}, {"words": [words for _, words in said]}))
            lab.begun.keep(one, self.seeds, start=assumption.asks_start)

    def _place(self, lab: Lab, assumption: Assumption, key: str, one: Experiment) -> Place | None:
        return place_of_draws(assumption.check, one, key, self.seeds, lab.store.root, lab.begun)


def keep_checked(session: Session) -> None:
    """Keep what the hypotheses of a case say of its draws, once it is trained."""
    for keep in session.unkept:
        keep()
    session.unkept.clear()


def _compare(hypothesis: Hypothesis, results: list[tuple[bool, str]], seed: int) -> None:
    """Compare what a hypothesis says of each experiment with what is declared, and record it."""
    broken = [words for holds, words in results if not holds]
    if not hypothesis.checked:
        hypothesis.checked = "; ".join(dict.fromkeys(broken or [words for _, words in results]))
        hypothesis.holds = not broken
    if hypothesis.dropped and not broken:
        raise AssumptionViolated(
            f"control does not drop {hypothesis.name!r}: {results[0][1]} (seed {seed}); "
            "expected a setting that breaks it"
        )
    if broken and not hypothesis.dropped:
        raise AssumptionViolated(
            f"{hypothesis.name!r} does not hold: {broken[0]} (seed {seed}); expected: {hypothesis.statement}"
        )


def check_run(record: CaseRecord, case: Case, run: Run | Runs) -> None:
    """Check the hypotheses on the finished run, in all its seeds, and record them.

    Raises:
        AssumptionViolated: as `check_draws`, naming the seeds.
    """
    runs = {"": run} if isinstance(run, Run) else run.runs
    for hypothesis, assumption in zip(record.hypotheses, case.claim.assuming, strict=False):
        if not assumption.of_run:
            continue
        found = {label: _of_run(assumption, one) for label, one in runs.items()}
        holds = torch.stack([each for each, _ in found.values()]).all(0)
        wrong = holds if hypothesis.dropped else ~holds
        hypothesis.holds = bool(holds.all())
        telling = {label: words for label, (each, words) in found.items() if hypothesis.holds or not each.all()}
        hypothesis.checked = "; ".join(f"{label}: {words}" if label else words for label, words in telling.items())
        if not wrong.any():
            continue
        seeds = [str(seed) for seed, bad in zip(run.seeds, wrong.tolist(), strict=True) if bad]
        where = f"seeds {', '.join(seeds[:4])}{' ...' if len(seeds) > 4 else ''} of {len(run.seeds)}"
        if hypothesis.dropped:
            raise AssumptionViolated(
                f"control does not drop {hypothesis.name!r}: {hypothesis.checked} ({where}); "
                "expected a setting that breaks it in every seed"
            )
        raise AssumptionViolated(
            f"{hypothesis.name!r} does not hold: {hypothesis.checked} ({where}); expected: {hypothesis.statement}"
        )


def _of_run(hypothesis: Assumption, run: Run) -> tuple[Tensor, str]:
    """What a hypothesis says of a finished run, as it was kept or is asked now."""
    place = place_of(hypothesis.check, run)
    if place is not None and (kept := place.load()) is not None:
        return kept.tensors["holds"], kept.common["words"]
    with opened_outside() as opened:
        holds, words = hypothesis.on_run(run)
    if place is not None and not opened:
        place.save(Part("", {"holds": holds}, {"words": words}))
    return holds, words


def _checked(hypothesis: Assumption, experiment: Experiment, seed: int) -> tuple[bool, str]:
    """Check a hypothesis on one seed's data, which it must not change: in torch at once, in numpy after all of them."""
    result = hypothesis.on(experiment, seed)
    check_unchanged(experiment, seed, f"the hypothesis {hypothesis.name!r}", whole=False)
    return result
