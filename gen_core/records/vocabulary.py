"""The closed vocabularies of records: the only words that readers may compare with."""

from __future__ import annotations

from typing import Final, Literal

Verdict = Literal["HOLDS", "REFUTED", "INCONCLUSIVE", "ERROR", "NOT RUN"]
"""The outcome of a case; ERROR if the measurement failed, NOT RUN if its data is missing."""

HOLDS: Final = "HOLDS"
REFUTED: Final = "REFUTED"
INCONCLUSIVE: Final = "INCONCLUSIVE"
ERROR: Final = "ERROR"
NOT_RUN: Final = "NOT RUN"

Kind = Literal["setting", "control", "mutation"]
"""A setting of a claim; a control that drops one of its hypotheses; or a control with a wrong measure."""

Statistic = Literal["mean", "worst", "share", "median", "exponent", "trend"]
"""The judged statistic over seeds: the mean, the worst seed, the share of seeds within a limit, the median, the mean of
fitted exponents, or the median of rank correlations."""

Direction = Literal["at most", "at least", "between"]
"""The side of its limits on which a judged value must lie."""

Work = Literal["trained", "drawn", "computed"]
"""How values are obtained: by training, from networks at initialization, or from the data alone, without a model."""
