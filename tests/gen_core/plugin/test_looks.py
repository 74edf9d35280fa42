"""Seeds are added look by look, and the error budget is split over the cases that were collected."""

from __future__ import annotations

from gen_core.lab import Store

ODD = """
@claim(**TOY)
def test_odd(run):
    values = torch.tensor([seed % 2 + seed / 1000 for seed in run.seeds])
    expect(values, "odd seeds").at_most(0.6 if not run.experiment.data.noise else 0.1)
"""


def test_an_undecided_claim_gets_more_seeds_and_says_what_a_decision_takes(suite):
    suite.claims(ODD)
    assert suite.run("-k", "given", "--max-seeds", "20").ret == 1
    case = suite.cases["test_odd[given]"]
    assert [(look.seeds, look.verdict) for look in case.looks] == [(8, "INCONCLUSIVE"), (16, "INCONCLUSIVE")]
    assert (case.verdict, len(case.values), case.trained) == ("INCONCLUSIVE", 16, 16)

    result = suite.run("-k", "given")
    case = suite.cases["test_odd[given]"]
    assert [look.seeds for look in case.looks] == [8, 16, 32, 64]
    assert case.trained == 64 - 16  # the seeds of the earlier looks are in the store
    assert case.seeds_needed is not None
    assert case.seeds_needed > 64
    told = f"the limit lies in the interval; a decision needs about {case.seeds_needed} seeds at a headroom of 0.14 sd"
    assert case.reason.endswith(f"over 64 seeds; claimed <= 0.6; {told}")
    result.stdout.fnmatch_lines([f"INCONCLUSIVE * headroom 0.136 sd, 64 seeds (needs {case.seeds_needed}), *"])


def test_hypotheses_are_checked_on_the_seeds_of_later_looks_too(suite):
    suite.claims(f"""
@assumption
def early(experiment, data):
    \"\"\"The first label of the data is not that of seed 9.\"\"\"
    from gen_core.training.draws import sample_data
    return bool(data.y[0] != sample_data(experiment, 9).y[0]), f"first label {{float(data.y[0]):.3f}}"

TOY["assuming"] = (noiseless, early)
{ODD}""")
    assert suite.run("-k", "given").ret == 1
    case = suite.cases["test_odd[given]"]
    assert case.verdict == "ERROR"
    assert "'early' does not hold: first label" in case.reason
    assert "(seed 9)" in case.reason


def test_a_hypothesis_is_asked_once_of_an_experiment_and_a_seed(suite):
    suite.claims(f"""
@assumption
def written(experiment, data):
    \"\"\"The data have no noise.\"\"\"
    with open("asked", "a") as file:
        print(experiment.data.noise, float(data.y[0]), file=file)
    return experiment.data.noise == 0, f"noise {{experiment.data.noise:g}}"

TOY["assuming"], TOY["without"] = (written,), {{written: noisy}}
{ODD}
{ODD.replace("test_odd", "test_odd_too")}""")
    suite.run("-p", "no:xdist", "--max-seeds", "16")
    said = (suite.pytester.path / "asked").read_text().splitlines()
    assert len(said) == len(set(said)) == 2 * 16
    assert {case.hypotheses[0].checked for case in suite.cases.values()} == {"noise 0", "noise 100"}


def test_the_budget_is_split_over_what_was_collected_whatever_is_selected(suite):
    suite.claims(ODD)
    everything = suite.run("--collect-only")
    everything.stdout.fnmatch_lines(
        [
            "gen-core: * 0.01 chance * per side, 0.005 for each of 2 cases",
            "for means, that assumes normal values, or values of one mode and a truth half a seed's sd beyond the limit"
            "; 8 seeds decide from a headroom of 1.62 sd",
        ]
    )

    suite.run("-k", "given", "--max-seeds", "8")
    assert suite.cases["test_odd[given]"].level == 0.005
    result = suite.run("-k", "given", "--max-seeds", "8", "--budget-over", "50", "--error-budget", "0.1")
    assert suite.cases["test_odd[given]"].level == 0.002
    result.stdout.fnmatch_lines(["gen-core: * 0.1 chance * per side, 0.002 for each of 50 cases"] * 2)


def test_a_budget_over_fewer_cases_than_are_judged_promises_what_it_keeps(suite):
    suite.claims(ODD)
    result = suite.run("--budget-over", "1", "--max-seeds", "8")
    told = "gen-core: * at most 0.02 chance * per side, 0.01 for each of 2 cases (--budget-over 1)"
    result.stdout.fnmatch_lines([told] * 2)


def test_a_damaged_result_is_made_again_and_said(suite):
    suite.claims(ODD)
    suite.run("-k", "without")
    entry = sorted(Store(suite.pytester.path / ".gen-core" / "store").root.glob("*/*.safetensors"))[0]
    entry.write_bytes(entry.read_bytes()[:-8])
    result = suite.run("-k", "without")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["store entry * is damaged *; it is trained again", "trained: 1 block of seeds of 1 experiment, *"]
    )
