"""A report's figures beside matplotlib alone, and its index beside the same page without a script."""

from __future__ import annotations

import gc
import io
import math
import os
import re
import shutil
from collections.abc import Iterator

import pytest
from matplotlib.figure import Figure as Canvas
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_benchmark.fixture import BenchmarkFixture

from gen_core.records import CaseRecord, Curve, Figure, Mark, Panel, RunRecord
from reports.drawings import _search_seldom
from reports.figures import draw_panels
from reports.load import Loaded
from reports.render import render

ROUNDS, FIGURES, CASES = 7, 10, 3_000
STEPS = [float(2**k) for k in range(13)]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def falling(rate: float, **more: object) -> Curve:
    return Curve(x=STEPS, y=[math.exp(-step / rate) for step in STEPS], **more)  # type: ignore[arg-type]


def figure(number: int) -> Figure:
    """A distance of eight seeds with their mean and its band, and two losses; every number gives another one."""
    band = {"low": [0.7 * math.exp(-s / 260) for s in STEPS], "high": [1.3 * math.exp(-s / 280) for s in STEPS]}
    seeds = [falling(200 + 20 * seed + number, style="faint", label="one seed") for seed in range(8)]
    distance = [*seeds, falling(270, label="mean over seeds", **band)]
    losses = [falling(90, label="gradient descent"), falling(80, label="SGD", style="dashed")]
    left = Panel(
        title="Distance", xlabel="step", ylabel="|w - w+| / |w+|", xscale="log", yscale="log",
        curves=distance, marks=[Mark(at=1e-6, label="tolerance")],
    )  # fmt: skip
    right = Panel(title="Loss", xlabel="step", ylabel="training loss", curves=losses)
    return Figure(title="Distance to w+ during training", panels=[left, right])


def alone(one: Figure, layout: str | None = None) -> list[str]:
    """The same curves by matplotlib as it comes, without a look of its own or care for what a label is."""
    return [_alone(panel, layout) for panel in one.panels]


def _alone(panel: Panel, layout: str | None) -> str:
    canvas = Canvas(figsize=(4.0, 3.2), layout=layout)
    axes = canvas.subplots()
    for curve in panel.curves:
        axes.plot(curve.x, curve.y, "--" if curve.style == "dashed" else "-", label=curve.label)
        if curve.low:
            axes.fill_between(curve.x, curve.low, curve.high, alpha=0.2)
    for mark in panel.marks:
        axes.axhline(mark.at, label=mark.label)
    axes.set(xlabel=panel.xlabel, ylabel=panel.ylabel, title=panel.title, xscale=panel.xscale, yscale=panel.yscale)
    entries = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(entries.values(), entries.keys())
    out = io.StringIO()
    canvas.savefig(out, format="svg")
    return out.getvalue()


@pytest.fixture
def seldom() -> Iterator[None]:
    """Garbage is searched for as in the processes that draw a run's figures."""
    thresholds = gc.get_threshold()
    _search_seldom()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def fitted(one: Figure) -> list[str]:
    """With the room that labels take, which matplotlib measures."""
    return alone(one, "constrained")


WAYS = {"ours": draw_panels, "few": draw_panels, "bare": alone, "fitted": fitted}
"""`few` is drawn where a run has few figures, in the process that ends it."""


@pytest.mark.parametrize("name", WAYS)
def test_figures(benchmark: BenchmarkFixture, tally, request: pytest.FixtureRequest, name: str) -> None:
    benchmark.group = f"{FIGURES} figures of two panels"
    if name == "ours":
        request.getfixturevalue("seldom")
    figures = [figure(number) for number in range(FIGURES)]
    drawn = benchmark.pedantic(lambda: [WAYS[name](one) for one in figures], rounds=ROUNDS, warmup_rounds=1)
    assert all(len(panels) == 2 and all("<svg" in panel for panel in panels) for panels in drawn)
    tally.time(benchmark, name)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the path")
    # Chromium's sandbox does not work for root.
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser: Browser = playwright.chromium.launch(executable_path=found, args=[*arguments, "--disable-gpu"])
        yield browser.new_page()
        browser.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Addresses of the list of many cases, and of the same page with words in place of its script, of the same size."""
    folder = tmp_path_factory.mktemp("report")
    run = RunRecord(
        run="2026-01-02T03-04-05", started="2026-01-02T03:04:05+00:00", command="pytest claims",
        repeat="pytest claims --seeds-from 0", scale="standard", device="cpu", seeds_from=0, fresh=False, budget=0.01,
        shares=CASES, environment={}, seconds=872.0, exit_status=0, trainings=CASES,
    )  # fmt: skip
    index = render(Loaded(run, [case(k) for k in range(CASES)]), folder).with_name("cases.html")
    html = index.read_text(encoding="utf-8")
    still, replaced = re.subn(r"<script>(.*?)</script>", lambda m: f"<p hidden>{'x' * len(m[1])}", html, flags=re.S)
    assert replaced == 1
    (folder / "still.html").write_text(still, encoding="utf-8")
    return {"ours": index.as_uri(), "bare": (folder / "still.html").as_uri()}


def case(k: int) -> CaseRecord:
    claim = f"claims/test_many.py::test_{k // 6}"
    value = 0.5 + 0.01 * (k % 7)
    return CaseRecord(
        nodeid=f"{claim}[case-{k}]", claim=claim, case=f"case-{k}", paper="theory3", verdict="HOLDS",
        citation="C. Zhang et al., Theory of Deep Learning III (2017), section 9.6", title="The loss is small.",
        statement="The loss is small.", measured="loss", tolerance="<= 1", limits=[1.0], direction="at most",
        estimate=value, low=value - 0.02, high=value + 0.02, values=[value] * 8, seeds=list(range(8)), headroom=3.4,
        level=8.3e-5, trained=8, repeat=f"pytest '{claim}[case-{k}]'", seconds=4.2,
    )  # fmt: skip


FILTERED = """() => {
  const text = document.querySelector("[name=text]");
  text.value = text.value ? "" : "case-7";
  text.dispatchEvent(new Event("input", { bubbles: true }));
}"""
LAID_OUT = "document.body.getBoundingClientRect().height"


@pytest.mark.parametrize("name", ["ours", "bare"])
def test_an_index_is_opened(benchmark: BenchmarkFixture, tally, page: Page, pages: dict[str, str], name: str) -> None:
    benchmark.group = f"an index of {CASES} cases is opened"

    def opened() -> None:
        page.goto(pages[name])
        page.evaluate(LAID_OUT)

    benchmark.pedantic(opened, rounds=ROUNDS, warmup_rounds=1)
    assert page.locator("tr.case").count() == CASES
    tally.time(benchmark, name)


@pytest.mark.parametrize("name", ["ours", "bare"])
def test_an_index_is_filtered(benchmark: BenchmarkFixture, tally, page: Page, pages: dict[str, str], name: str) -> None:
    """Beside hiding and showing the whole table, which is laid out anew then."""
    benchmark.group = f"an index of {CASES} cases is filtered"
    page.goto(pages["ours"])
    table = "() => { const table = document.querySelector('table.index'); table.hidden = !table.hidden; }"

    def filtered() -> None:
        for _ in range(2):
            page.evaluate(FILTERED if name == "ours" else table)
            page.evaluate(LAID_OUT)

    benchmark.pedantic(filtered, rounds=ROUNDS, warmup_rounds=1)
    assert page.locator("tr.case:visible").count() == CASES
    tally.time(benchmark, name)
