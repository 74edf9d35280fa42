"""Finding what draws the pages of a run: a plugin that is there already, or the installed `gen_core.report`."""

from __future__ import annotations

import importlib
import warnings

import pytest

DRAWN_BY = ("reports.plugin", "gen_core.report.plugin")
"""The plugin that draws pages, as this repository's conftest names it, and where it is installed."""

NEEDED = ("jinja2", "latex2mathml", "matplotlib")
"""What the extra `report` installs."""


def find_pages(config: pytest.Config) -> list[str]:
    """Register the installed plugin, unless one is there or switched off by `-p no:`; else a line that says how."""
    plugins = config.pluginmanager
    if any(plugins.has_plugin(name) or plugins.is_blocked(name) for name in DRAWN_BY):
        return []
    try:
        with warnings.catch_warnings(action="ignore"):  # of other packages, which `-W error` is not meant for
            for name in NEEDED:
                importlib.import_module(name)
            plugins.register(importlib.import_module(DRAWN_BY[1]), DRAWN_BY[1])
    except ImportError:
        return ["no pages: pip install 'gen-core[report]' draws them at the end of a run"]
    return []
