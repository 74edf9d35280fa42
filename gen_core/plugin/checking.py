"""The hypotheses of a case: checked on what its seeds draw before it trains, and on the finished run."""

from __future__ import annotations

from collections import ChainMap

import torch

from gen_core.assuming import Assumption
from gen_core.declaration import Case
from gen_core.errors import AssumptionViolated
from gen_core.experiment import Experiment
from gen_core.plugin.session import Asked, Session
from gen_core.records import CaseRecord, Hypothesis
from gen_core.run import Run, Runs
from gen_core.training.draws import check_unchanged, state_of
from gen_core.training.seeding import seed_numbers


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
    for seed in seed_numbers(session.base, start, stop):
        said = ChainMap[Asked, tuple[bool, str]]({}, session.checked)
        try:
            # A mutated measure is recorded after the hypotheses; there is nothing to check about it.
            for hypothesis, assumption in zip(record.hypotheses, case.claim.assuming, strict=False):
                if assumption.of_run:
                    continue
                for key, one in keys.items():
                    if (assumption, key, seed) not in said:
                        said[assumption, key, seed] = _checked(assumption, one, seed)
                _compare(hypothesis, [said[assumption, key, seed] for key in keys], seed)
        finally:
            for experiment in drawn.values():
                check_unchanged(experiment, seed, who)
        session.checked |= said.maps[0]  # not before the data are known to be as they were


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
        found = {label: assumption.on_run(one) for label, one in runs.items()}
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


def _checked(hypothesis: Assumption, experiment: Experiment, seed: int) -> tuple[bool, str]:
    """Check a hypothesis on one seed's data, which it must not change: in torch at once, in numpy after all of them."""
    result = hypothesis.on(experiment, seed)
    check_unchanged(experiment, seed, f"the hypothesis {hypothesis.name!r}", whole=False)
    return result
