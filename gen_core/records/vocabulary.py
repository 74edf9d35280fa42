"""The closed vocabularies of records: whatever reads one may compare with these words, and with no others."""

from __future__ import annotations

from typing import Final, Literal

Verdict = Literal["HOLDS", "REFUTED", "INCONCLUSIVE", "ERROR", "NOT RUN"]
"""What a case has come to; ERROR where nothing could be said of it, NOT RUN where its data is not here."""

HOLDS: Final = "HOLDS"
REFUTED: Final = "REFUTED"
INCONCLUSIVE: Final = "INCONCLUSIVE"
ERROR: Final = "ERROR"
NOT_RUN: Final = "NOT RUN"

Kind = Literal["setting", "control", "mutation"]
"""A setting of a claim; a control that drops one of its hypotheses; or a control that runs with a wrong measure."""

Statistic = Literal["mean", "worst", "share", "median", "exponent", "trend"]
"""What of the seeds is judged: their mean, the worst of them, the share of them that is within a limit, their median,
the mean of an exponent that is fitted for each, or the mean of a rank correlation of each."""

Direction = Literal["at most", "at least", "between"]
"""On which side of its limits a judged value has to be."""

Work = Literal["trained", "drawn", "computed"]
"""How values came about: by a training, from networks as they are drawn, or from the data alone, without a model."""
