"""The engine's loop: sends units to a cluster, sees them through its failures, and puts results into the store."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from gen_core.engines.cluster import Answer, Cluster
from gen_core.engines.folder import FAILED, REFUSED, STORED, EngineFolder
from gen_core.engines.jobs import Job, Waiting
from gen_core.engines.ledger import Ledger
from gen_core.engines.pace import Pace
from gen_core.engines.parcels import packed, unpacked
from gen_core.errors import StoreFailure
from gen_core.lab import Store

TRIES = 5
"""Times that a unit is sent: once, and at most four times again."""

GRACE = 60.0
"""Seconds that a unit may take besides those that it is expected to."""

APPEARS = 30.0
"""Seconds in which a file that a node has written is seen from here, on a network's file system."""

LOOK_AGAIN = 2.0
"""Seconds between two looks for teachers that others have trained."""


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
        self.waiting = Waiting()
        self.flying: dict[Hashable, list[Job]] = {}
        self.unsaved: deque[tuple[str, dict[str, Any]]] = deque()
        self._asked: set[str] = set()
        self._shared: dict[str, Any] = {}
        self._needed: Counter[str] = Counter()
        self._looked = 0.0
        self._pace = Pace()
        self._strange: dict[str, int] = {}

    def step(self) -> str:
        """One round, of a second at most; why the engine is to end, in one line, or ""."""
        for order, unit in self.folder.new_units():
            if not set(unit.keys) <= self._asked:
                self._asked.update(unit.keys)
                self.ledger.asked += len(unit.keys)
                self._needed.update(unit.needs)
                self._admit(Job(unit, order))
        if why := self.cluster.look() or self._all_refuse():
            return why
        self._send_waiting()
        for ticket, answer in self.cluster.answers(list(self.flying)).items():
            if ticket in self.flying:
                self._hear(self.flying.pop(ticket), ticket, answer)
        self._send_copies()
        self._save()
        self.ledger.say(len(self._in_flight()), self.cluster)
        return ""

    def _in_flight(self) -> dict[Job, None]:
        """The jobs that were sent, each once."""
        return dict.fromkeys(job for ticket, jobs in self.flying.items() for job in jobs if ticket in job.sent)

    def _admit(self, job: Job) -> None:
        """Have a job wait for its first missing teacher, or to be sent; it ends here if a teacher's has failed."""
        ends = [self.folder.ended(key) for key in job.unit.needs]
        if failed := [why for end in ends if end is not None for how, why in [end] if how == FAILED]:
            self._end(job, FAILED, failed[0])
        elif any(end is not None and end[0] == REFUSED for end in ends):
            self._refuse(job, "a teacher was not trained")
        else:
            self.waiting.add(job, next((key for key in job.unit.needs if not self.store.has(key)), None))

    def _send_waiting(self) -> None:
        """Send as many tasks as keep every slot busy, of units whose teachers are there."""
        if time.monotonic() - self._looked > LOOK_AGAIN:
            self._looked = time.monotonic()
            for job in self.waiting.students():
                self._admit(job)
        while self.waiting and len(self.flying) < 2 * max(1, self.cluster.slots):
            together = []
            most = self._pace.most(len(self.waiting), self.cluster.slots)
            for job in self.waiting.take(most, self._pace.one_task):
                if all(self.store.has(key) for key in job.unit.keys):
                    self._end(job, STORED)
                else:
                    together.append(job)
            if together:
                self._send(together)

    def _send(self, jobs: list[Job]) -> None:
        """Send jobs as one task."""
        try:
            taught = [self._taught(key) for key in jobs[0].unit.needs]
        except (LookupError, StoreFailure):
            self._refuse(jobs[0], "what its teacher has learned cannot be read")
            return
        now = time.monotonic()
        before = [job.unit for job in self._in_flight()]
        due = now + self.grace + self._pace.allowed([job.unit for job in jobs], before, self.cluster.slots)
        units = [self.folder.whole(job.order, job.unit) for job in jobs]
        ticket = self.cluster.send(units, taught, self._avoided().union(*(job.avoid for job in jobs)))
        for job in jobs:
            job.due, job.tries = due, job.tries + 1
            job.sent[ticket] = now
        self.flying[ticket] = jobs

    def _taught(self, key: str) -> Any:
        if key not in self._shared:
            if (found := self.store.load(key)) is None:
                raise LookupError(key)
            self._shared[key] = self.cluster.share(packed(found))
        return self._shared[key]

    def _hear(self, jobs: list[Job], ticket: Hashable, answer: Answer) -> None:
        """Take the answer of a task for those of its jobs that have not ended by a copy meanwhile."""
        for place, job in enumerate(jobs):
            if (sent := job.sent.pop(ticket, None)) is None:
                continue
            if answer.values is not None:
                self._take(job, answer.node, answer.values[place])
            elif answer.raised:
                self._end(job, FAILED, answer.raised)
            else:
                self._again(job, f"{answer.broken} after {time.monotonic() - sent:.0f} s")

    def _take(self, job: Job, node: str, value: dict[str, Any]) -> None:
        """Take what a node has returned for a unit."""
        if value.get("raised"):
            self._end(job, FAILED, value["raised"])
            return
        if value["refused"]:
            job.avoid.add(node)
            self._strange[node] = self._strange.get(node, 0) + 1
            self.ledger.refusal(node, value["refused"])
            self._again(job, f"node {node}: {value['refused']}")
            return
        self._strange.pop(node, None)
        if value["blocks"]:
            self._pace.took(job.unit, sum(one["event"]["seconds"] for one in value["blocks"].values()))
        self.unsaved.extend(value["blocks"].items())
        for key, error in value["failed"].items():
            self._tell([key], FAILED, error)
        self.ledger.failed += len(value["failed"])
        self._leave(job)

    def _again(self, job: Job, why: str) -> None:
        """Send a job again, unless it was sent often enough or every node has refused it, or a copy is on its way."""
        job.whys.append(why)
        if job.sent:
            return
        if job.tries < TRIES and set(self.cluster.nodes) - job.avoid:
            self.ledger.again += 1
            self._send([job])
        else:
            self._refuse(job, job.whys[-1])

    def _send_copies(self) -> None:
        """Send a copy of what is overdue: its node may be frozen. What comes first counts."""
        now = time.monotonic()
        for job in self._in_flight():
            if now > job.due:
                if job.tries < TRIES:
                    self.ledger.copies += 1
                    self._send([job])
                else:
                    self._refuse(job, "overdue, and so were its copies")

    def _save(self) -> None:
        """Put results into the store; one whose lock another process holds waits."""
        for _ in range(len(self.unsaved)):
            key, one = self.unsaved.popleft()
            try:
                if "arrays" in one and not self.store.has(key):
                    with self.store.locked([key], wait=False) as held:
                        if held and not self.store.has(key):
                            self.store.save(key, unpacked(one), one["about"])
                unseen = time.monotonic() < one.setdefault("until", time.monotonic() + APPEARS)
                if not self.store.has(key) and ("arrays" in one or unseen):
                    self.unsaved.append((key, one))
                    continue
            except (ValueError, StoreFailure) as error:
                self.ledger.note(f"warning: --engine: block {key[:12]} is trained without it: {error}")
                self._tell([key], REFUSED, str(error).encode())
                continue
            self.ledger.trained(one["event"])
            self._tell([key], STORED)

    def _refuse(self, job: Job, why: str) -> None:
        self.ledger.note(f"warning: --engine: {job.unit.what} is trained without it: {why}")
        self.ledger.refused += len(job.unit.keys)
        self._end(job, REFUSED, why.encode())

    def _end(self, job: Job, how: str, why: bytes = b"") -> None:
        if how == FAILED:
            self.ledger.failed += len(job.unit.keys)
        self._leave(job)
        self._tell(job.unit.keys, how, why)

    def _tell(self, keys: Sequence[str], how: str, why: bytes = b"") -> None:
        """Say how blocks have ended, and look at those that have waited for them."""
        self.folder.end(keys, how, why)
        for student in self.waiting.students(keys):
            self._admit(student)

    def _leave(self, job: Job) -> None:
        """Forget a job, its copies unless others wait for them, and what only it needed."""
        for ticket in job.sent:
            if not any(ticket in each.sent for each in self.flying[ticket] if each is not job):
                del self.flying[ticket]
                self.cluster.drop(ticket)
        job.sent.clear()
        self._needed.subtract(job.unit.needs)
        for key in job.unit.needs:
            if not self._needed[key]:
                del self._needed[key]
                self._shared.pop(key, None)

    def _avoided(self) -> set[str]:
        """Nodes that have refused three units and trained none since."""
        return {node for node, times in self._strange.items() if times >= 3}

    def _all_refuse(self) -> str:
        nodes = set(self.cluster.nodes)
        return "no node of the cluster trains as this process would" if nodes and nodes <= self._avoided() else ""
