"""Faults in deep networks beside their linear model on images, Hu et al. (2020), section 4.2."""

from tests.mutants.planting import Fault

IMAGES = "claims/test_hu_cats_and_horses.py"
FOLLOWS = f"{IMAGES}::test_deep_network_follows_a_linear_model_on_cats_and_horses[given]"
LEAVES = f"{IMAGES}::test_network_leaves_its_linear_model_on_cats_and_horses[given]"

FAULTS = (
    Fault(
        "a linear model of images that learns the labels of other points",
        "gen_core/measures/deep_dynamics.py",
        "gradient_descent(X, run.y.double(), rate,",
        "gradient_descent(X, run.y.double().roll(1, 1), rate,",
        red=(FOLLOWS,),
    ),
    Fault(
        "a relative error to a linear model that says nothing",
        "gen_core/measures/linear_dynamics.py",
        "for values in (self.net - self.linear, self.linear)]",
        "for values in (self.net, self.linear)]",
        red=(FOLLOWS, LEAVES),
    ),
    Fault(
        "steps of a network whose copy is not subtracted",
        "gen_core/training/fused.py",
        "h.mT if self.subtracted is None else h.mT - self.subtracted[rows].view(h.mT.shape)",
        "h.mT",
        red=(FOLLOWS,),
    ),
    Fault(
        "outputs of a network whose copy is not subtracted",
        "gen_core/training/watching.py",
        'held["X"]), 1) - self.subtracted[name]',
        'held["X"]), 1)',
        red=(FOLLOWS,),
    ),
)
