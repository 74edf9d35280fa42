"""SIGTERM and SIGHUP end a run of claims as Ctrl-C does, with its records and its report."""

from __future__ import annotations

import functools
import signal
import threading
from types import FrameType

import pytest

ENDING = (signal.SIGTERM, signal.SIGHUP)


def end_as_interrupted(config: pytest.Config) -> None:
    """Until the end of pytest, take these signals as interrupts, unless somebody else handles or ignores them.

    Workers end with the process that started them; one that is killed alone is an ERROR of its case.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in ENDING:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _interrupt)
            config.add_cleanup(functools.partial(_restore, number))


def _restore(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for other in ENDING:  # a second one, as `timeout` sends it, would cut the report off
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt(signal.Signals(number).name)
