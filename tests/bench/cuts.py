"""Cut the power: replay a prefix of what SQLite wrote, drop or tear what was not yet on the disk, and look at the rest.

Simulated: at any moment between two writes the power goes. What a sync had covered is there. Of the writes since, any
may be missing, in any order, and any may be torn at a sector of 512 bytes; the last one is. A file that was created
or deleted since the folder was synced may be absent or back. A first sync of a log or journal syncs the folder too,
as SQLite does on Unix.

Not simulated: a disk that lies about syncs, one whose torn sector holds rubbish, the creation of the gallery's file
itself (Python makes it and syncs the folder), and the copying of backups, which the kills cover.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from edgeface.drivers.store import Gallery
from tests.bench.oracle import Findings, Operation, State, choose, model_in_use, perform
from tests.bench.recorder import Entry, Recorder

SECTOR = 512
OPERATIONS = 14
"""Of one recording."""
CUTS_A_RECORDING = 20


@dataclass
class Platter:
    """One file as it is on the disk, and what was written to it since it was synced."""

    content: bytes = b""
    since: list[Entry] = field(default_factory=list)

    def sync(self) -> None:
        self.content, self.since = _written(self.content, self.since), []

    def after_a_cut(self, random: Random, *, ordered: bool) -> bytes:
        """Return what is left: all writes but a torn last one, or any of them."""
        if ordered:
            return _written(self.content, [*self.since[:-1], *_torn(random, self.since[-1:])])
        chances = [random.choice(([entry], [], _torn(random, [entry]))) for entry in self.since]
        return _written(self.content, [entry for kept in chances for entry in kept])


@dataclass
class Disk:
    """The files of a folder, and what happened to their names since the folder was synced."""

    files: dict[str, Platter] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    deleted: dict[str, Platter] = field(default_factory=dict)

    def do(self, entry: Entry) -> None:
        if entry.kind == "create":
            self.files[entry.file] = Platter()
            self.created.add(entry.file)
        elif entry.kind == "delete":
            self.deleted[entry.file] = self.files.pop(entry.file)
            self.created.discard(entry.file)
            if entry.place:
                self._sync_folder()
        elif entry.kind == "sync":
            self.files[entry.file].sync()
            if entry.file in self.created:
                self._sync_folder()
        else:
            self.files[entry.file].since.append(entry)

    def after_a_cut(self, random: Random) -> dict[str, bytes]:
        """Return the content of the files that are there when the power is back."""
        ordered = random.random() < 0.5
        names = {name for name in self.files if name not in self.created or random.random() < 0.5}
        left = {name: self.files[name].after_a_cut(random, ordered=ordered) for name in names}
        for name, platter in self.deleted.items():
            if random.random() < 0.5:
                left[name] = platter.after_a_cut(random, ordered=ordered)
        return left

    def _sync_folder(self) -> None:
        self.created.clear()
        self.deleted.clear()


@dataclass
class Recording:
    """What a process wrote, and at which entry of the log each operation began and was acknowledged."""

    log: list[Entry]
    operations: list[tuple[int, int, Operation]]

    def at(self, place: int) -> tuple[int, State, Operation | None]:
        """Return how many operations were acknowledged after so many entries, what they made, and what was going on."""
        state: State = {}
        done = 0
        for begun, ended, asked in self.operations:
            if ended > place:
                return done, state, asked if begun < place else None
            done, state = done + 1, asked.apply(state)
        return done, state, None


def record(recorder: Recorder, folder: Path, random: Random) -> Recording:
    """Enrol, forget and change models in a new gallery, opened anew now and then, sometimes beside a reader."""
    folder.mkdir()
    path = folder / "gallery.db"
    recorder.folder, recorder.log = folder, []
    operations: list[tuple[int, int, Operation]] = []
    state: State = {}
    while len(operations) < OPERATIONS:
        models = model_in_use(path)
        with Gallery(path, models[0]) as gallery, Gallery(path, models[0], read_only=path.exists()) as reader:
            reader.people()
            if random.random() < 0.5:
                reader.close()
            for _ in range(random.randint(1, 6)):
                asked = Operation("upgrade") if state and random.random() < 0.15 else choose(random, state)
                begun = len(recorder.log)
                perform(gallery, path, asked, models, both=random.random() < 0.5)
                state = asked.apply(state)
                operations.append((begun, len(recorder.log), asked))
                if asked.kind == "upgrade":
                    break
    recorder.folder = None
    return Recording(recorder.log, operations)


def cut(recording: Recording, folder: Path, random: Random, findings: Findings, where: str) -> None:
    """Cut the power at a random moment and judge what is left."""
    place = random.randint(1, len(recording.log))
    disk = Disk({"gallery.db": Platter()})
    for entry in recording.log[:place]:
        disk.do(entry)
    folder.mkdir()
    for name, content in disk.after_a_cut(random).items():
        (folder / name).write_bytes(content)
    done, state, pending = recording.at(place)
    findings.acknowledged += done
    findings.judge(folder / "gallery.db", state, pending, f"{where}, entry {place} of {len(recording.log)}")


def rounds(random: Random, cuts: int) -> Iterator[tuple[int, int, int]]:
    """Yield for each recording its seed and its first and last cut."""
    for first in range(0, cuts, CUTS_A_RECORDING):
        yield random.getrandbits(64), first, min(first + CUTS_A_RECORDING, cuts)


def _written(content: bytes, entries: list[Entry]) -> bytes:
    changed = bytearray(content)
    for entry in entries:
        if entry.kind == "truncate":
            del changed[entry.place :]
            changed.extend(bytes(entry.place - len(changed)))
        else:
            changed.extend(bytes(max(entry.place - len(changed), 0)))
            changed[entry.place : entry.place + len(entry.content)] = entry.content
    return bytes(changed)


def _torn(random: Random, entries: list[Entry]) -> list[Entry]:
    """Return the writes with only their first sectors; a truncation is not torn."""
    return [
        Entry(
            entry.kind,
            entry.file,
            entry.place,
            entry.content[: random.randint(0, len(entry.content) // SECTOR) * SECTOR],
        )
        for entry in entries
    ]
