"""Faults in what more units and more points gain, Li & Liang (2018), sections 4, 6 and 7."""

from tests.mutants.planting import Fault

HELD_OUT = "gen_core/measures/held_out.py"
SOONER = "claims/test_li_liang_accuracy_and_width.py::test_more_units_are_right_sooner"
FLOOR = "claims/test_li_liang_accuracy_and_width.py::test_beyond_many_units_more_of_them_make_no_difference"
SAMPLES = "claims/test_li_liang_samples.py::test_ten_points_of_every_component_suffice"
GROWS = (
    "claims/test_li_liang_small_update_grows.py::test_change_of_the_outputs_by_a_small_update_grows_with_width[given]"
)

FAULTS = (
    Fault(
        "the accuracy over steps in place of the error",
        HELD_OUT,
        "wrong = (1 - _hits(run)).mean(1)",
        "wrong = _hits(run).mean(1)",
        red=(f"{SOONER}[given]",),
    ),
    Fault(
        "the error at the start in place of its mean over steps",
        HELD_OUT,
        "wrong = (1 - _hits(run)).mean(1)",
        "wrong = (1 - _hits(run))[:, 0]",
        red=(f"{SOONER}[given]", f"{FLOOR}[without-wide]"),
    ),
    Fault(
        "points of other components than their labels'",
        "fixtures/data/synthetic.py",
        "X = means[component] + torch.randn(total,",
        "X = means[component.flip(0)] + torch.randn(total,",
        red=(f"{SAMPLES}[given]",),
    ),
    Fault(
        "accuracy on labels of other held-out points",
        HELD_OUT,
        'hits = right(final_outputs(run, "test"), y).double()',
        'hits = right(final_outputs(run, "test"), y.roll(1, 1)).double()',
        red=(f"{SAMPLES}[given]",),
    ),
    Fault(
        "a change of the outputs times the distance",
        "gen_core/measures/pseudo_network.py",
        "return _norm(f - f_0) / _norm(f_0) / distance_moved(run)",
        "return _norm(f - f_0) / _norm(f_0) * distance_moved(run)",
        red=(GROWS,),
    ),
    Fault(
        "a change of the outputs alone, over widths",
        "gen_core/measures/pseudo_network.py",
        "return _norm(f - f_0) / _norm(f_0) / distance_moved(run)",
        "return _norm(f - f_0) / _norm(f_0)",
        red=(GROWS,),
    ),
)
