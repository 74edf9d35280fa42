"""The engine's own process: `python -m gen_core.engines FOLDER`. It ends with its standard input, or what starts it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sys
import threading
import time
from importlib.metadata import version
from pathlib import Path

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
    threading.Thread(target=_watch, args=(over,), daemon=True).start()
    why = "it was interrupted"
    try:
        why = serve(folder, settings, over)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise
    finally:
        if over.is_set():  # whoever has started this may have been killed
            shutil.rmtree(folder.root, ignore_errors=True)
        else:
            folder.say_over(why)


def _knock(address: str) -> None:
    """See whether somebody listens at HOST:PORT: where nobody does, Ray waits for long and then ends this process."""
    host, _, port = address.rpartition(":")
    if host:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()


def _watch(over: threading.Event) -> None:
    """End with the process that holds the other end of standard input, however it ends."""
    sys.stdin.read()
    over.set()
    time.sleep(PATIENCE)
    os._exit(1)


def serve(folder: EngineFolder, settings: dict[str, str], over: threading.Event) -> str:
    """Connect, and dispatch until the end; why it has ended, in one line."""
    os.environ |= HEAD | {name: value for name, value in os.environ.items() if name in HEAD}
    if not settings["address"]:
        os.environ |= LOOPBACK | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    elif settings["address"].startswith(("127.", "localhost:")):
        os.environ |= LOOPBACK
    from gen_core.engines.on_ray import RayCluster, connect  # Ray reads these when it is imported

    where = f"the Ray cluster at {settings['address']}" if settings["address"] else "a Ray cluster of this machine"
    try:
        _knock(settings["address"])
        connect(settings["address"], len(os.sched_getaffinity(0)))
    except Exception as error:  # Ray raises errors of many types here
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200] or type(error).__name__
        return f"{where} cannot be reached ({reason})"
    store = Store(Path(settings["store"]))
    marker, token = store.root / f"engine-{secrets.token_hex(8)}", secrets.token_hex(16)
    make_ignored(store.root)
    marker.write_text(token, encoding="utf-8")
    try:
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
    finally:
        marker.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
