"""The claims in examples/ on the built wheel: their verdicts, and faults of a tired author in their measures."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

EXAMPLES = Path(__file__).parents[2] / "examples"
CASES = 15


class Fault(NamedTuple):
    """One line of a claim that says something else than it should.

    Attributes:
        claim: stem of its file.
        right: what stands there once.
        wrong: what the fault makes of it.
    """

    claim: str
    right: str
    wrong: str


ROBERTS, SAXE, BOTTOU = "test_roberts_langevin_escapes", "test_saxe_modes_in_turn", "test_bottou_rate_falls"
KROGH, FRANKLE, FORET = "test_krogh_weight_decay", "test_frankle_linear_connectivity", "test_foret_flat_minima"
FAULTS = {
    "stayed_for_escaped": Fault(ROBERTS, "run.diverged.to", "(~run.diverged).to"),
    "far_for_escaped": Fault(
        ROBERTS, "run.diverged.to", 'run.watched("weights.x").abs().nan_to_num().gt(2).any(2).any(1).to'
    ),
    "half_of_the_weakest_mode": Fault(SAXE, "strengths / 2", "strengths.min() / 2"),
    "weakest_mode_first": Fault(SAXE, "steps.clamp(min=1)", "steps.flip(0)"),
    "distance_for_square": Fault(BOTTOU, ".square().mean(-1) / 2", ".abs().mean(-1) / 2"),
    "loss_for_gap": Fault(
        BOTTOU,
        '((run.watched("weights.w") - best) @ X.mT)',
        '(run.watched("weights.w").double() @ X.mT - run.y.double()[:, None])',
    ),
    "training_for_held_out": Fault(KROGH, "run.outputs(run.X_test) - run.y_test", "run.outputs(run.X) - run.y"),
    "nothing_expected": Fault(KROGH, "(1 / (V + BEST)).sum(1)", "(1 / V).sum(1)"),
    "right_for_wrong": Fault(FRANKLE, "~right(", "right("),
    "start_for_end": Fault(FRANKLE, 'run["second"].params()', 'run["second"].params("start")'),
    "first_level_for_last": Fault(FORET, "[:, -1]", "[:, 0]"),
    "sgd_over_sam": Fault(FORET, "sam / plain", "plain / sam"),
}


def test_examples_come_out_as_they_say_and_each_fault_turns_red(foreign):
    ignored = shutil.ignore_patterns(".*", "report", "__pycache__")
    shutil.copytree(EXAMPLES, foreign.folder, dirs_exist_ok=True, ignore=ignored)
    claims = foreign.folder / "claims"
    files = {claim.stem: claim.stem for claim in claims.glob("test_*.py")}
    assert {fault.claim for fault in FAULTS.values()} == set(files)
    for name, fault in FAULTS.items():
        source = (claims / f"{fault.claim}.py").read_text(encoding="utf-8")
        assert source.count(fault.right) == 1, name
        faulty = source.replace(fault.right, fault.wrong)
        (claims / f"{fault.claim}_{name}.py").write_text(faulty, encoding="utf-8")
        files[f"{fault.claim}_{name}"] = name

    result = foreign.pytest("--budget-over", str(CASES), "-n", "0")
    cases = {name: [] for name in files.values()}
    for record in foreign.cases():
        cases[files[Path(record.nodeid.partition("::")[0]).stem]].append(record)
    told = {
        name: [f"{record.case} {record.verdict} {record.reason}" for record in found] for name, found in cases.items()
    }

    own = [record for name, found in cases.items() if name not in FAULTS for record in found]
    assert len(own) == CASES
    assert all(record.as_expected for record in own), result.stdout
    for name, fault in FAULTS.items():
        assert len(cases[name]) == len(cases[fault.claim]), told[name]
        assert all(record.verdict not in (None, "ERROR") for record in cases[name]), told[name]
        assert not all(record.as_expected for record in cases[name]), told[name]
