"""Hostile content in a browser: no script of it runs, no element of it is made, no request is sent for it."""

from __future__ import annotations

from pathlib import Path

from gen_core.records import Curve, Figure, Hypothesis, Panel
from reports.changes import Change
from reports.load import Loaded
from reports.render import page_name, render

MARKUP = (
    "<script>window.hit=1</script><img src=http://evil.example/x onerror=window.hit=1><hostile-element>"
    "</style></title></textarea></pre></svg></math>\" ' onmouseover=window.hit=1 &lt;script&gt; javascript:window.hit=1"
)
TEXT = f"{MARKUP} 汉字 \u202e שלום {'z' * 10_000}"
FIELDS = ("citation", "title", "statement", "formula", "reason", "traceback", "measured", "tolerance", "paper")


def test_nothing_hostile_runs_or_becomes_an_element(open_page, tmp_path: Path, run, case) -> None:
    told = dict.fromkeys((*FIELDS, "drops", "repeat", "worker", "not_reproduced"), TEXT)
    numbers = {"estimate": 1.0, "low": 0.5, "high": 2.0, "values": [1.0], "seeds": [1]}
    one, other = (
        case(TEXT, f"{TEXT}{k}", verdict=verdict, recipes={TEXT: {TEXT: TEXT}}, **numbers, **told)
        for k, verdict in enumerate(("ERROR", "HOLDS"))
    )
    for record in (one, other):
        record.hypotheses = [Hypothesis(name=TEXT, statement=TEXT, checked=TEXT, holds=False)]
        record.keys, record.settings = {TEXT: [TEXT]}, {TEXT: TEXT}
        curve = Curve(x=[1.0, 2.0], y=[1.0, 2.0], label=TEXT)
        record.figure = Figure(
            title=TEXT, panels=[Panel(xlabel=TEXT, ylabel=TEXT, curves=[curve], title=TEXT)], paper=TEXT
        )
    one.formula = rf"\text{{{MARKUP}}} \href{{javascript:window.hit=1}}{{x}}"
    run.scale = run.device = run.started = run.command = run.repeat = run.run = TEXT
    run.environment = {TEXT: TEXT}
    index = render(
        Loaded(run, [one, other], [TEXT]), tmp_path, {one.nodeid: Change(TEXT, TEXT), TEXT: Change("gone", TEXT)}
    )
    papers = [f"papers/{page.name}" for page in (tmp_path / "papers").iterdir()]
    claims = [f"claims/{page_name(c.nodeid)}" for c in (one, other)]
    for name in ("index.html", "cases.html", "gallery.html", *papers, *claims):
        for bypass in (False, True):  # what the policy of the page would stop is not there in the first place
            page = open_page(index.parent / name, bypass_csp=bypass)
            page.mouse.move(200, 200)
            page.wait_for_load_state("networkidle")
            assert page.evaluate("window.hit") is None
            assert page.evaluate("document.querySelectorAll('hostile-element, [onmouseover], [onerror]').length") == 0
            assert page.evaluate("[...document.links].filter((a) => a.protocol !== 'file:').length") == 0
            assert all(url.startswith("file://") for url in page.requested)
            assert page.failures == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert MARKUP in page.evaluate("document.body.textContent")
