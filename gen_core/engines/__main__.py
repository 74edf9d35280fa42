"""The engine's own process: `python -m gen_core.engines FOLDER`. It ends with its standard input, or what starts it."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
import time
from importlib.metadata import version
from pathlib import Path

from gen_core.engines.address import host_and_port
from gen_core.engines.dispatch import GRACE, Dispatcher
from gen_core.engines.folder import EngineFolder
from gen_core.engines.ledger import Ledger
from gen_core.lab import Store
from gen_core.records.ignored import make_ignored

HEAD = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_gcs_rpc_server_reconnect_timeout_s": "20"}
"""Nothing is reported to anybody, and the head of a cluster that is silent for so many seconds is lost."""

LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Has Ray keep to 127.0.0.1. A cluster of this process's own asks for a token besides, which is drawn here."""

PATIENCE = 15.0
"""Seconds after which this process ends in any case once it is to end."""


def main() -> None:
    """Serve a folder until the end of the run."""
    folder = EngineFolder(Path(sys.argv[1]))
    settings = json.loads((folder.root / "settings.json").read_text(encoding="utf-8"))
    over = threading.Event()
    atexit.register(_leave, folder, over)  # after Ray's own, which ends its processes
    patience = float(settings.get("patience", PATIENCE))
    threading.Thread(target=_watch, args=(folder, over, patience), daemon=True).start()
    why = "it was interrupted"
    try:
        why = serve(folder, settings, over)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise
    finally:
        if not over.is_set():
            folder.say_over(why)


def _leave(folder: EngineFolder, over: threading.Event) -> None:
    """Remove what was made; the folder too once the run has ended, since whoever has started this may be dead."""
    folder.remove(itself=over.is_set())


def _watch(folder: EngineFolder, over: threading.Event, patience: float) -> None:
    """End with the process that holds the other end of standard input, however it ends, and whatever this one does."""
    sys.stdin.read()
    over.set()
    time.sleep(patience)
    _leave(folder, over)
    with contextlib.suppress(ProcessLookupError):  # not the first of its group
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def _prepare(address: str, folder: EngineFolder) -> str:
    """Set what Ray reads when it is imported, and see whether somebody listens; the address, "" for one of its own.

    Where nobody listens, Ray waits for long and then ends this process.

    Raises:
        OSError: if nobody does, or no folder can be made for a cluster of its own.
        ValueError: if RAY_ADDRESS, which "auto" stands for, is no address.
    """
    os.environ |= HEAD | {name: value for name, value in os.environ.items() if name in HEAD}
    if not address:
        own = Path(tempfile.mkdtemp(prefix="gc-", dir=os.environ.get("RAY_TMPDIR")))  # short: the paths of sockets are
        folder.own(own)
        os.environ |= LOOPBACK | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        os.environ["RAY_TMPDIR"] = str(own)
        return ""
    if address == "auto" and not (address := os.environ.get("RAY_ADDRESS", "")):
        return "auto"
    if (found := host_and_port(address)) is None:
        raise ValueError(f"RAY_ADDRESS is {address}; expected HOST:PORT of its head")
    if found[0].startswith("127.") or found[0] == "localhost":
        os.environ |= LOOPBACK
    socket.create_connection(found, PATIENCE).close()
    return address


def serve(folder: EngineFolder, settings: dict[str, str], over: threading.Event) -> str:
    """Connect, and dispatch until the end; why it has ended, in one line."""
    places = {"": "a Ray cluster of this machine", "auto": "the Ray cluster that runs here"}
    where = places.get(settings["address"], f"the Ray cluster at {settings['address']}")
    try:
        address = _prepare(settings["address"], folder)
        from gen_core.engines.on_ray import RayCluster, connect

        connect(address, len(os.sched_getaffinity(0)))
    except Exception as error:  # Ray raises errors of many types here
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200] or type(error).__name__
        return f"{where} cannot be reached ({reason})"
    store = Store(Path(settings["store"]))
    marker, token = store.root / f"engine-{secrets.token_hex(8)}", secrets.token_hex(16)
    folder.own(marker)
    try:
        make_ignored(store.root)
        marker.write_text(token, encoding="utf-8")
    except OSError as error:
        return f"--store {store.root} cannot be written ({error.strerror}); expected a writable folder with room"
    seen = (str(marker.resolve()), token if settings.get("shared", "yes") == "yes" else "")
    cluster = RayCluster(settings["device"] == "cuda", seen)
    if why := cluster.look():
        return why
    ledger = Ledger(folder, Path(settings["records"]), f"ray {version('ray')}")
    dispatcher = Dispatcher(folder, cluster, store, ledger, float(settings.get("grace", GRACE)))
    while not over.is_set():
        if why := dispatcher.step():
            return why
    ledger.close()
    return "the run has ended"


if __name__ == "__main__":
    main()
