"""The command `gen-core`, with one subcommand per module."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from gen_core.command import store
from gen_core.errors import GenCoreError
from gen_core.records import visible

SUBCOMMANDS = {"store": store}
"""Name -> module: its docstring says what it does, with `add_arguments(parser)` and `execute(arguments) -> status`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, 1 where something was not done, 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="gen-core", description="Claims are run by pytest; this is what is beside.")
    subcommands = parser.add_subparsers(required=True, metavar="SUBCOMMAND")
    for name, module in SUBCOMMANDS.items():
        about = module.__doc__ or ""
        sub = subcommands.add_parser(name, help=about.partition("\n")[0], description=about)
        module.add_arguments(sub)
        sub.set_defaults(execute=module.execute)
    chosen = parser.parse_args(arguments)
    try:
        return chosen.execute(chosen)
    except GenCoreError as error:
        print(f"gen-core: {visible(str(error))}", file=sys.stderr)
        return 2
