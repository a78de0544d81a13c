"""Kill a process that changes a gallery in every way there is, at random moments, and look at what is left."""

import os
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from edgeface.drivers.gallery_backup import backup, backups_in
from edgeface.drivers.gallery_restore import verify
from edgeface.drivers.gallery_rows import STORED
from edgeface.drivers.store import Gallery
from edgeface.errors import StoreError
from tests.bench.operations import MODEL, OTHER, Operation, State, choose, model_in_use, perform
from tests.bench.oracle import Findings

LONGEST_LIFE = 0.04
"""Seconds until the kill, at most: several operations fit in."""
KEEP = 3
PROBES = range(0, 1024, 192)
"""Where in a vector 16 bytes are taken that must not be found again."""


@dataclass
class Killing:
    """A gallery that is killed again and again; `state` is what it must hold."""

    folder: Path
    findings: Findings
    state: State = field(default_factory=dict)
    enrolments: dict[str, list[Operation]] = field(default_factory=dict)
    """What was ever asked to be kept, by name or handle."""

    @property
    def path(self) -> Path:
        return self.folder / "gallery.db"

    def once(self, random: Random, number: int) -> None:
        """Let a process work, kill it, and judge."""
        seed, life = random.getrandbits(64), random.uniform(0, LONGEST_LIFE)
        from_the_start = random.random() < 0.2  # or else from the first acknowledgement
        forgotten, pending = [], None
        for line in self._kill(seed, life, from_the_start=from_the_start):
            if line != "done":
                pending = Operation.parse(line)
                if pending.kind in ("enrol", "remember"):
                    self.enrolments.setdefault(pending.name or pending.handle, []).append(pending)
                continue
            assert pending
            forgotten += pending.ending(self.state)
            self._pass_on(pending)
            self.state = pending.apply(self.state)
            self.findings.acknowledged += 1
            pending = None
        where = f"kill {number}, seed {seed}, during {pending}"
        self.state = self.findings.judge(self.path, self.state, pending, where)
        if pending and pending.handle not in self.state:
            self._pass_on(pending)
        self._check_backups(where)
        self.check_traces(forgotten, where)

    def _pass_on(self, asked: Operation) -> None:
        """Let what was asked of somebody unknown be that of the person they are called by now."""
        if asked.kind == "name":
            self.enrolments.setdefault(asked.name, []).extend(self.enrolments.pop(asked.handle))

    def _kill(self, seed: int, life: float, *, from_the_start: bool) -> list[str]:
        """Return what the process said before it was killed, line by line; a last line cut short was not said."""
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            self._work(Random(seed), lambda line: os.write(writing, f"{line}\n".encode()))
        os.close(writing)
        said = b""
        while not from_the_start and b"done" not in said and (more := os.read(reading, 4096)):
            said += more
        time.sleep(life)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            self.findings.corrupt += 1
            self.findings.seen.append(f"seed {seed}: the process ended before it was killed")
        with os.fdopen(reading, "rb") as stream:
            return (said + stream.read()).decode().split("\n")[:-1]

    def _work(self, random: Random, say: Callable[[str], object]) -> None:
        """Work for ever, in the process that is killed; a fault ends it at once, and is seen as such."""
        state = self.state
        try:
            while True:
                models = model_in_use(self.path)
                with Gallery(self.path, models[0], master=self.findings.master) as gallery:
                    for _ in range(random.randint(1, 8)):
                        asked = self._choose(random, state)
                        state = self._one(gallery, asked, models, state, say, both=random.random() < 0.5)
                        if asked.kind in ("upgrade", "migrate"):
                            break
        finally:
            traceback.print_exc()
            os._exit(1)

    def _choose(self, random: Random, state: State) -> Operation:
        if not self.path.exists() or random.random() < 0.7:
            return choose(random, state)
        return Operation(random.choices(("backup", "upgrade", "migrate"), (6, 4, 2))[0])

    def _one(
        self,
        gallery: Gallery,
        asked: Operation,
        models: tuple[str, str],
        state: State,
        say: Callable[[str], object],
        *,
        both: bool,
    ) -> State:
        say(str(asked))
        if asked.kind == "backup":
            backup(self.path, self.folder / "backups", keep=KEEP, now=time.time())
        else:
            perform(gallery, self.path, asked, models, both=both)
        say("done")
        return asked.apply(state)

    def _check_backups(self, where: str) -> None:
        for path in backups_in(self.folder / "backups"):
            try:
                verify(path, self.findings.master)
            except StoreError as error:
                self.findings.corrupt += 1
                self.findings.seen.append(f"{where}: {error}")

    def check_traces(self, forgotten: list[str], where: str) -> None:
        """Look for vectors of the forgotten in the bytes of the gallery's files."""
        content = b"".join(file.read_bytes() for file in self.folder.glob("gallery.db*"))
        for name in forgotten:
            asked = self.enrolments.pop(name)
            looks = [look for each in asked for model in (MODEL, OTHER) for look in each.embeddings(model)]
            if any(look.vector.astype(STORED).tobytes()[place:][:16] in content for look in looks for place in PROBES):
                self.findings.traces += 1
                self.findings.seen.append(f"{where}: a vector of {name} is still in the files")
