"""The papers whose statements are tested here."""

from gen_core import Paper

KROGH = Paper("krogh1991", "A. Krogh and J. Hertz", "A simple weight decay can improve generalization", 1991, "NeurIPS")
ROBERTS = Paper(
    "roberts1996",
    "G. O. Roberts and R. L. Tweedie",
    "Exponential convergence of Langevin distributions and their discrete approximations",
    1996,
    "Bernoulli",
)
SAXE = Paper(
    "saxe2014",
    "A. M. Saxe, J. L. McClelland and S. Ganguli",
    "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
    2014,
    "ICLR",
)
BOTTOU = Paper(
    "bottou2018",
    "L. Bottou, F. E. Curtis and J. Nocedal",
    "Optimization methods for large-scale machine learning",
    2018,
    "SIAM Review",
)
FRANKLE = Paper(
    "frankle2020",
    "J. Frankle, G. K. Dziugaite, D. M. Roy and M. Carbin",
    "Linear mode connectivity and the lottery ticket hypothesis",
    2020,
    "ICML",
)
FORET = Paper(
    "foret2021",
    "P. Foret, A. Kleiner, H. Mobahi and B. Neyshabur",
    "Sharpness-aware minimization for efficiently improving generalization",
    2021,
    "ICLR",
)
