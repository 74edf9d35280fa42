"""Cases grouped and ordered, and the names of their pages."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from reports.changes import Change
from reports.rows import claims_of, page_name


def test_claims_and_their_rows_are_worst_first(cases) -> None:
    told = {cases[0].nodeid: Change("fixed", "")}
    claims = claims_of(cases, told)
    assert [claim.name.rpartition("::")[2] for claim in claims] == ["test_fit", "test_rate", "test_width", "test_norm"]
    assert [row.case.case for row in claims[0].rows] == ["mlp", "mlp-true-labels", "resnet", "alexnet"]
    assert [(row.case.case, row.change) for row in claims[3].rows] == [
        ("gd", told[cases[0].nodeid]),
        ("sgd", None),
        ("gd-without-zero", None),
    ]


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4, unique=True))
@settings(deadline=None, max_examples=60)
def test_any_node_ids_get_safe_and_different_names(nodeids: list[str]) -> None:
    names = [page_name(nodeid) for nodeid in nodeids]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,79}-[0-9a-f]{12}\.html", name) for name in names)
