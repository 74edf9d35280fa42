"""The engine's loop: sends units to a cluster, sees them through its failures, and puts results into the store."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from gen_core.engines.cluster import Answer, Cluster
from gen_core.engines.folder import FAILED, REFUSED, STORED, EngineFolder, Unit
from gen_core.engines.ledger import Ledger
from gen_core.engines.parcels import packed, unpacked
from gen_core.errors import StoreFailure
from gen_core.lab import Store

TRIES = 5
"""Times that a unit is sent: once, and at most four times again."""

GRACE, FACTOR = 60.0, 5.0
"""A unit is overdue after GRACE seconds and FACTOR times what it and those before it are expected to take."""

APPEARS = 30.0
"""Seconds in which a file that a node has written is seen from here, on a network's file system."""

MEASURED, SLOWEST = 1.0, 10.0
"""What takes less than a second tells nothing of the next; estimates are taken to be no more than ten times too low."""

UNMEASURED = 3.0
"""What a training may take in terms of its estimate, before any has ended."""


@dataclass
class Job:
    """A unit on its way.

    Attributes:
        unit: the unit.
        order: its place.
        sent: ticket -> when.
        tries: times that it was sent.
        due: when it is overdue.
        avoid: nodes that have refused it.
        whys: why it was sent again.
    """

    unit: Unit
    order: str
    sent: dict[Hashable, float] = field(default_factory=dict)
    tries: int = 0
    due: float = 0.0
    avoid: set[str] = field(default_factory=set)
    whys: list[str] = field(default_factory=list)


@dataclass
class Dispatcher:
    """Sends what is asked in a folder to a cluster.

    Attributes:
        folder: the folder.
        cluster: the cluster.
        store: where results go.
        ledger: what is said of it.
        grace: see `GRACE`.
    """

    folder: EngineFolder
    cluster: Cluster
    store: Store
    ledger: Ledger
    grace: float = GRACE

    def __post_init__(self) -> None:
        self.waiting: list[Job] = []
        self.flying: dict[Hashable, Job] = {}
        self.unsaved: deque[tuple[str, dict[str, Any]]] = deque()
        self._asked: set[str] = set()
        self._shared: dict[str, Any] = {}
        self._pace: deque[float] = deque(maxlen=64)
        self._strange: dict[str, int] = {}

    def step(self) -> str:
        """One round, of a second at most; why the engine is to end, in one line, or ""."""
        for order, unit in self.folder.new_units():
            if not set(unit.keys) <= self._asked:
                self._asked.update(unit.keys)
                self.ledger.asked += len(unit.keys)
                self.waiting.append(Job(unit, order))
        self.waiting.sort(key=lambda job: job.order)
        if why := self.cluster.look() or self._all_refuse():
            return why
        self._send_waiting()
        for ticket, answer in self.cluster.answers(list(self.flying)).items():
            if ticket in self.flying:
                self._hear(self.flying.pop(ticket), ticket, answer)
        self._send_copies()
        self._save()
        self.ledger.say(len({id(job) for job in self.flying.values()}), self.cluster)
        return ""

    def _send_waiting(self) -> None:
        """Send as many as keep every slot busy, those whose teachers are there."""
        for job in list(self.waiting):
            if len(self.flying) >= 2 * max(1, self.cluster.slots):
                return
            ends = [self.folder.ended(key) for key in job.unit.needs]
            if failed := [why for end in ends if end is not None for how, why in [end] if how == FAILED]:
                self._end(job, FAILED, failed[0])
            elif any(end is not None and end[0] == REFUSED for end in ends):
                self._refuse(job, "a teacher was not trained")
            elif all(self.store.has(key) for key in job.unit.keys):
                self._end(job, STORED)
            elif all(self.store.has(key) for key in job.unit.needs):
                self._send(job)
            else:
                continue
            if job in self.waiting:
                self.waiting.remove(job)

    def _send(self, job: Job) -> None:
        try:
            taught = [self._taught(key) for key in job.unit.needs]
        except (LookupError, StoreFailure):
            self._refuse(job, "what its teacher has learned cannot be read")
            return
        now = time.monotonic()
        pace = statistics.median(self._pace) if self._pace else UNMEASURED
        before = sum(each.unit.seconds for each in self.flying.values()) / max(1, self.cluster.slots)
        job.due = now + self.grace + FACTOR * pace * (job.unit.seconds + before)
        job.tries += 1
        ticket = self.cluster.send(job.unit, taught, job.avoid | self._avoided())
        job.sent[ticket] = now
        self.flying[ticket] = job

    def _taught(self, key: str) -> Any:
        if key not in self._shared:
            if (found := self.store.load(key)) is None:
                raise LookupError(key)
            self._shared[key] = self.cluster.share(packed(found))
        return self._shared[key]

    def _hear(self, job: Job, ticket: Hashable, answer: Answer) -> None:
        sent = job.sent.pop(ticket)
        if answer.value is not None and not answer.value["refused"]:
            self._strange.pop(answer.node, None)
            took = sum(one["event"]["seconds"] for one in answer.value["blocks"].values())
            if took > MEASURED:
                self._pace.append(min(took / max(job.unit.seconds, MEASURED / SLOWEST), SLOWEST))
            self.unsaved.extend(answer.value["blocks"].items())
            for key, error in answer.value["failed"].items():
                self.folder.end([key], FAILED, error)
            self.ledger.failed += len(answer.value["failed"])
            self._leave(job)
        elif answer.raised:
            self._end(job, FAILED, answer.raised)
        elif answer.value is not None:
            job.avoid.add(answer.node)
            self._strange[answer.node] = self._strange.get(answer.node, 0) + 1
            self.ledger.refusal(answer.node, answer.value["refused"])
            self._again(job, f"node {answer.node}: {answer.value['refused']}")
        else:
            self._again(job, f"{answer.broken} after {time.monotonic() - sent:.0f} s")

    def _again(self, job: Job, why: str) -> None:
        """Send a job again, unless it was sent often enough or every node has refused it, or a copy is on its way."""
        job.whys.append(why)
        if job.sent:
            return
        if job.tries < TRIES and set(self.cluster.nodes) - job.avoid:
            self.ledger.again += 1
            self._send(job)
        else:
            self._refuse(job, job.whys[-1])

    def _send_copies(self) -> None:
        """Send a copy of what is overdue: its node may be frozen. What comes first counts."""
        now = time.monotonic()
        for job in list({id(job): job for job in self.flying.values()}.values()):
            if now > job.due:
                if job.tries < TRIES:
                    self.ledger.copies += 1
                    self._send(job)
                else:
                    self._refuse(job, "overdue, and so were its copies")

    def _save(self) -> None:
        """Put results into the store; one whose lock another process holds waits."""
        for _ in range(len(self.unsaved)):
            key, one = self.unsaved.popleft()
            try:
                with self.store.locked([key], wait=False) as held:
                    if held and "arrays" in one and not self.store.has(key):
                        self.store.save(key, unpacked(one), one["about"])
                    unseen = time.monotonic() < one.setdefault("until", time.monotonic() + APPEARS)
                    if not self.store.has(key) and ("arrays" in one or unseen):
                        self.unsaved.append((key, one))
                        continue
            except (ValueError, StoreFailure) as error:
                self.ledger.note(f"warning: --engine: block {key[:12]} is trained without it: {error}")
                self.folder.end([key], REFUSED, str(error).encode())
                continue
            self.ledger.trained(one["event"])
            self.folder.end([key], STORED)

    def _refuse(self, job: Job, why: str) -> None:
        self.ledger.note(f"warning: --engine: {job.unit.what} is trained without it: {why}")
        self.ledger.refused += len(job.unit.keys)
        self._end(job, REFUSED, why.encode())

    def _end(self, job: Job, how: str, why: bytes = b"") -> None:
        if how == FAILED:
            self.ledger.failed += len(job.unit.keys)
        self.folder.end(job.unit.keys, how, why)
        self._leave(job)

    def _leave(self, job: Job) -> None:
        """Forget a job, its copies, and what only it needed."""
        for ticket in job.sent:
            self.flying.pop(ticket, None)
            self.cluster.drop(ticket)
        job.sent.clear()
        if self._shared:
            left = {key for each in (*self.waiting, *self.flying.values()) for key in each.unit.needs}
            self._shared = {key: value for key, value in self._shared.items() if key in left}

    def _avoided(self) -> set[str]:
        """Nodes that have refused three units and trained none since."""
        return {node for node, times in self._strange.items() if times >= 3}

    def _all_refuse(self) -> str:
        nodes = set(self.cluster.nodes)
        return "no node of the cluster trains as this process would" if nodes and nodes <= self._avoided() else ""
