"""Prints network-steps per second at the end: pytest-benchmark's own table knows seconds alone."""

import pytest

Speeds = dict[tuple[str, int], dict[str, float]]
SPEEDS = pytest.StashKey[Speeds]()


@pytest.fixture
def speeds(request: pytest.FixtureRequest) -> Speeds:
    """(model, seeds) -> loop -> network-steps per second; what is put here is printed at the end."""
    return request.config.stash.setdefault(SPEEDS, {})


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    measured = terminalreporter.config.stash.get(SPEEDS, {})
    if not measured:
        return
    terminalreporter.section("network-steps per second, best round")
    terminalreporter.line(f"{'model':<10}{'seeds':>6}{'batched':>12}{'plain loop':>12}{'ratio':>8}")
    for (model, seeds), loops in measured.items():
        both = loops.get("batched"), loops.get("plain")
        cells = [f"{speed:>12,.0f}" if speed else f"{'-':>12}" for speed in both]
        ratio = f"{both[0] / both[1]:>8.1f}" if both[0] and both[1] else f"{'-':>8}"
        terminalreporter.line(f"{model:<10}{seeds:>6}{''.join(cells)}{ratio}")
