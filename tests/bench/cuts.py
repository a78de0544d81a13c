"""Cut the power: replay a prefix of what SQLite wrote, drop or tear what was not yet on the disk, and look at the rest.

Simulated: at any moment between two writes the power goes. What a sync had covered is there. Of the writes since, any
may be missing, in any order, and any may be torn at a sector of 512 bytes; the last one is. A file that was created
or deleted since the folder was synced may be absent or back, a name may stand for the file it was before a renaming. A
first sync of a log or journal syncs the folder too, as SQLite does on Unix; Python's syncs of the key file do not.

Not simulated: a disk that lies about syncs, one whose torn sector holds rubbish, the creation of the gallery's file
itself (Python makes it and syncs the folder), and the copying of backups, which the kills cover.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from edgeface.drivers.gallery_encrypt import rotate
from edgeface.drivers.keyring import label_of, read_keyring
from edgeface.drivers.master_key import Master
from edgeface.drivers.store import Gallery
from tests.bench.file_recorder import recording_files
from tests.bench.operations import Operation, State, choose, model_in_use, perform
from tests.bench.oracle import Findings
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
    """By name, as programs see them now."""
    opened: dict[str, Platter] = field(default_factory=dict)
    """By the handle of a program that has one open, whatever its name is now."""
    pending: list[tuple[str, Platter | None]] = field(default_factory=list)
    """What became of a name since then: another file, or none."""
    named: dict[str, Platter] = field(default_factory=dict)
    """By name, as the folder was synced."""

    def __post_init__(self) -> None:
        self.named = dict(self.files)

    def do(self, entry: Entry) -> None:
        if entry.kind == "create":
            self._name(entry.file, Platter())
        elif entry.kind == "open":
            self.opened[f"#{entry.place}"] = self.files[entry.file]
        elif entry.kind == "delete":
            self._name(entry.file, None)
            if entry.place:
                self._sync_folder()
        elif entry.kind == "rename":
            # In one step: the name of the draft may be left, but the other one is the old file or the new one.
            self._name(entry.content.decode(), self.files[entry.file])
            self._name(entry.file, None)
        elif entry.kind == "folder":
            self._sync_folder()
        elif entry.kind in ("sync", "fsync"):
            self._platter(entry).sync()
            if entry.kind == "sync" and entry.file in {name for name, _ in self.pending}:
                self._sync_folder()
        else:
            self._platter(entry).since.append(entry)

    def after_a_cut(self, random: Random) -> dict[str, bytes]:
        """Return the content of the files that are there when the power is back."""
        ordered = random.random() < 0.5
        names = dict(self.named)
        for name, platter in self.pending:
            if random.random() < 0.5:
                names.pop(name, None)
                if platter:
                    names[name] = platter
        return {name: platter.after_a_cut(random, ordered=ordered) for name, platter in names.items()}

    def nameless(self) -> list[bytes]:
        """Return what the disk holds of files that have no name any more."""
        named = [id(platter) for platter in (*self.files.values(), *self.named.values())]
        return [platter.content for platter in self.opened.values() if id(platter) not in named]

    def _platter(self, entry: Entry) -> Platter:
        return self.opened.get(entry.file) or self.files[entry.file]

    def _name(self, name: str, platter: Platter | None) -> None:
        self.files.pop(name, None)
        if platter:
            self.files[name] = platter
        self.pending.append((name, platter))

    def _sync_folder(self) -> None:
        self.named, self.pending = dict(self.files), []


@dataclass
class Recording:
    """What a process wrote, and at which entry of the log each operation began and was acknowledged."""

    log: list[Entry]
    operations: list[tuple[int, int, Operation]]
    forgotten: list[tuple[int, list[str]]] = field(default_factory=list)
    """After how many entries whose keys were to be gone, by the names that are stored."""

    def at(self, place: int) -> tuple[list[Operation], Operation | None]:
        """Return what was acknowledged after so many entries, and what was going on."""
        done: list[Operation] = []
        for begun, ended, asked in self.operations:
            if ended > place:
                return done, asked if begun < place else None
            done.append(asked)
        return done, None


def record(recorder: Recorder, folder: Path, random: Random, *, encrypted: bool = False) -> Recording:
    """Enrol, remember, name, forget and change models in a new gallery.

    It is opened anew now and then, sometimes beside a reader; an encrypted one is given another master key at times.
    """
    folder.mkdir()
    path = folder / "gallery.db"
    recorder.folder, recorder.log = folder, []
    recording = Recording(recorder.log, [])
    operations = recording.operations
    state, key = State(), 0
    with recording_files(folder, recorder.log):
        while len(operations) < OPERATIONS:
            models, master = model_in_use(path), master_of(key) if encrypted else None
            with (
                Gallery(path, models[0], master=master) as gallery,
                Gallery(path, models[0], read_only=path.exists()) as reader,
            ):
                reader.people()
                if random.random() < 0.5:
                    reader.close()
                for _ in range(random.randint(1, 6)):
                    asked = _choose(random, state, key if encrypted and path.exists() else None)
                    begun = len(recorder.log)
                    if asked.kind == "rotate":
                        rotate(path, master_of(key), master_of(asked.seed))
                        key = asked.seed
                    else:
                        gone = perform(gallery, path, asked, models, both=random.random() < 0.5)
                        recording.forgotten.append((len(recorder.log), gone))
                    state = asked.apply(state)
                    operations.append((begun, len(recorder.log), asked))
                    if asked.kind in ("upgrade", "rotate", "migrate"):
                        break
    recorder.folder = None
    return recording


def master_of(number: int) -> Master:
    """Return one of many master keys."""
    return lambda _salt: bytes([number]) * 32


def _choose(random: Random, state: State, key: int | None) -> Operation:
    if state and key is not None and random.random() < 0.3:
        return Operation("rotate", seed=key + 1)
    if state and random.random() < 0.2:
        return Operation(random.choices(("upgrade", "migrate"), (3, 1))[0])
    return choose(random, state)


def cut(
    recording: Recording, folder: Path, random: Random, findings: Findings, where: str, *, encrypted: bool = False
) -> None:
    """Cut the power at a random moment and judge what is left."""
    place = random.randint(1, len(recording.log))
    disk = Disk({"gallery.db": Platter()})
    for entry in recording.log[:place]:
        disk.do(entry)
    folder.mkdir()
    for name, content in disk.after_a_cut(random).items():
        (folder / name).write_bytes(content)
    done, pending = recording.at(place)
    findings.acknowledged += len(done)
    state = State()
    for asked in done:
        state = asked.apply(state)
    where = f"{where}, entry {place} of {len(recording.log)}"
    if encrypted:
        keys = [asked.seed for asked in [Operation("rotate"), *done] if asked.kind == "rotate"]
        rotating = pending is not None and pending.kind == "rotate"
        findings.master = master_of(keys[-1])
        findings.coming = master_of(keys[-1] + 1) if rotating else None
        gone = {name for ended, names in recording.forgotten if ended <= place for name in names}
        _check_keys(disk, folder, findings, gone, where, rotating=rotating)
    findings.judge(folder / "gallery.db", state, pending, where)


def _check_keys(disk: Disk, folder: Path, findings: Findings, gone: set[str], where: str, *, rotating: bool) -> None:
    """Find keys of the forgotten, and key files of an older master key that were to be overwritten."""
    if not rotating and any(any(content) for content in disk.nameless()):
        findings.traces += 1
        findings.seen.append(f"{where}: an old key file is not overwritten")
    for path in folder.glob("gallery-*.keys"):
        ring = read_keyring(path)
        labels = {slot.label for slot in ring.live.values()}
        if labels & {label_of(ring.id, name) for name in gone}:
            findings.traces += 1
            findings.seen.append(f"{where}: a key of somebody forgotten is still in {path.name}")


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
