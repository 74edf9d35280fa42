"""Which run the processes of pytest belong to: all that is said of it before a claim is found."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gen_core.plugin.options import Options

_KEY = pytest.StashKey["Identity"]()


def utc_now() -> datetime:
    """The time by the clock of this machine, which may be wrong: runs are named, and removed, by nothing else."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Identity:
    """A run, as one process knows it.

    Attributes:
        run: its name.
        base: base of its seeds.
        arguments: the command line, without the program.
        records: folder of its records.
        writer: name of this process: xdist's name of the worker, or "main".
        began: start time of this process.
    """

    run: str
    base: int
    arguments: list[str]
    records: Path
    writer: str = "main"
    began: datetime = field(default_factory=utc_now)

    @classmethod
    def of(cls, config: pytest.Config) -> Identity:
        """The run of a configuration, named on first use; on a worker, as the controller has named it."""
        if _KEY not in config.stash:
            sent = getattr(config, "workerinput", None)
            config.stash[_KEY] = cls._new(config) if sent is None else cls._received(sent)
        return config.stash[_KEY]

    @classmethod
    def _new(cls, config: pytest.Config) -> Identity:
        now, options = utc_now(), Options.of(config)
        run = f"{now:%Y%m%d-%H%M%S-%f}-{secrets.token_hex(4)}"  # one folder each, even for runs of the same instant
        base = int(f"{now:%Y%m%d%H%M%S}") if options.seeds_from == "fresh" else int(options.seeds_from)
        folder = config.invocation_params.dir / options.report_dir / "records" / run
        return cls(run, base, [str(argument) for argument in config.invocation_params.args], folder, began=now)

    @classmethod
    def _received(cls, sent: dict[str, Any]) -> Identity:
        ours = sent["gen_core"]
        return cls(ours["run"], ours["base"], ours["arguments"], Path(ours["records"]), sent["workerid"])

    def sent(self) -> dict[str, Any]:
        """The values that a worker needs, in builtin types."""
        return {"run": self.run, "base": self.base, "arguments": self.arguments, "records": str(self.records)}

    @property
    def begun(self) -> bool:
        """Whether a process has found claims and begun the records."""
        return (self.records / "run.json").exists()
