"""Mutual and conditional informations of F, L and Y, for a run whose points are joint tables of the three.

Nakkiran et al. (2019), section 2.2. All values are in bits.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from gen_core.measures.information import conditional_mutual_information, mutual_information, performance_correlation
from gen_core.measuring import measure
from gen_core.run import Run


@dataclass(frozen=True)
class InformationTerms:
    """Mutual informations of pairs of F, L and Y, plain and given the third, from tables (..., f, l, y).

    Attributes:
        table: the tables; all other attributes have their leading shape.
        fy, ly, fl: I(F;Y), I(L;Y) and I(F;L).
        fy_given_l, ly_given_f, fl_given_y: I(F;Y|L), I(L;Y|F) and I(F;L|Y).
        mu: the performance correlation mu_Y(F;L), Definition 1.
    """

    table: Tensor
    fy: Tensor
    ly: Tensor
    fl: Tensor
    fy_given_l: Tensor
    ly_given_f: Tensor
    fl_given_y: Tensor
    mu: Tensor

    def accuracy(self) -> Tensor:
        """P(F = Y)."""
        pair = self.table.sum(-2)
        # Only rounding can take it above 1.
        return (pair.diagonal(dim1=-2, dim2=-1).sum(-1) / pair.sum((-2, -1))).clamp(max=1)


def tables_of(points: Tensor) -> Tensor:
    """Tables [f, l, y], (..., 2, 2, 2), from points that store them flat, (..., 8)."""
    return points.unflatten(-1, (2, 2, 2))


@measure
def information_terms(run: Run) -> InformationTerms:
    """The information terms of every table, each (seeds, n).

    Raises:
        ValueError: as `gen_core.measures.information.mutual_information`, if the points of the run are not tables.
    """
    table = tables_of(run.X)
    f, label, y = -3, -2, -1
    return InformationTerms(
        table=table,
        fy=mutual_information(table.sum(label)),
        ly=mutual_information(table.sum(f)),
        fl=mutual_information(table.sum(y)),
        fy_given_l=conditional_mutual_information(table.movedim(label, -1)),
        ly_given_f=conditional_mutual_information(table.movedim(f, -1)),
        fl_given_y=conditional_mutual_information(table),
        mu=performance_correlation(table),
    )
