"""Measures that pytest takes for tests, because their names begin with test_: found when they are collected."""

from __future__ import annotations

import pytest

from gen_core.plugin.session import case_of


def misnamed(items: list[pytest.Item]) -> dict[str, str]:
    """Node id -> what is wrong with a function of a claim file that is no claim and cannot be called as a test.

    A test that asks for nothing but fixtures is one, beside claims too.
    """
    claim_files = {item.path for item in items if case_of(item) is not None}
    found = {}
    for item in items:
        if item.path in claim_files and isinstance(item, pytest.Function) and case_of(item) is None:
            known = item._fixtureinfo.name2fixturedefs
            callspec = getattr(item, "callspec", None)
            asked = [name for name in item._fixtureinfo.argnames if name not in (callspec.params if callspec else ())]
            missing = [name for name in asked if not known.get(name)]
            ours = "run" in asked and any(one.func.__module__.startswith("gen_core.") for one in known.get("run") or ())
            if ours or missing:
                found[item.nodeid] = _advice(item, "run" if ours else missing[0])
    return found


def _advice(item: pytest.Function, argument: str) -> str:
    name, module = item.originalname, item.obj.__module__
    elsewhere = module != getattr(item.module, "__name__", module)
    rename = f"import it under another name (from {module} import {name} as ...)" if elsewhere else "rename it"
    return (
        f"{name} takes {argument!r} and is no claim, and pytest collects what is named test_...; if it is a measure, "
        f"{rename}, else add @claim"
    )
