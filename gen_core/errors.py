"""The tree of errors.

    GenCoreError
    ├── InvalidExperiment       a recipe that cannot be run (a mistake in the claim file)
    ├── InvalidClaim            a claim that is not well formed (no control, several `expect`, ...)
    ├── InvalidFigure           a figure whose parts do not fit together; it costs no verdict
    ├── AssumptionViolated      a setting that breaks a declared hypothesis, or a control that breaks none
    ├── UnknownCase             a requested id that names no case of a claim
    ├── DataMissing             a data set that is not on this machine; carries the command that gets it
    ├── DataDamaged             a data file that is not what its name says
    ├── StoreFailure            a folder of stored trainings that is full or cannot be written
    ├── BrokenTraining          a training that is not what its recipe says: a fault of the code that ran it
    └── Unfinished              a measurement that did not finish: divergence, no convergence, no memory

    Refuted, Inconclusive       verdicts, raised by `expect`; nobody's error

The message of a `GenCoreError` is one line (value, what was expected) and at most one more (what to do).
"""

from __future__ import annotations


class GenCoreError(Exception):
    """Base class of every error that this project raises on purpose."""


class InvalidExperiment(GenCoreError, ValueError):
    """A recipe whose values cannot be run: correct the value named in the message."""


class InvalidClaim(GenCoreError, ValueError):
    """A claim that is not well formed: correct the declaration named in the message."""


class InvalidFigure(GenCoreError, ValueError):
    """A figure that cannot be drawn: correct the curve or the panel named in the message."""


class AssumptionViolated(GenCoreError):
    """A declared hypothesis does not hold, or one that a control drops does hold."""


class UnknownCase(GenCoreError, LookupError):
    """An id that names no case of a claim: choose one of those in the message."""


class DataMissing(GenCoreError):
    """A data set is not there. The case is not run; `--require-data` makes it an error."""


class DataDamaged(GenCoreError):
    """A data file is truncated, mislabelled or in another format: replace the file named in the message."""


class StoreFailure(GenCoreError):
    """A finished training cannot be stored: make room in the folder named in the message, or choose another."""


class BrokenTraining(GenCoreError):
    """A training, or what is measured of it, is not what its recipe and seeds say: the code that ran it is wrong."""


class Unfinished(GenCoreError):
    """A measurement did not finish, so that there is nothing to judge."""


class Refuted(AssertionError):
    """The whole confidence interval of the measured value lies outside the tolerance."""


class Inconclusive(AssertionError):
    """A limit of the tolerance still lies inside the confidence interval at the last look."""
