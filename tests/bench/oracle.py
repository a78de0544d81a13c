"""What a gallery must hold after a crash: all that was acknowledged, and of the rest all or nothing."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from edgeface.drivers.master_key import Master
from edgeface.drivers.store import Gallery
from edgeface.drivers.unknowns import Unknowns
from edgeface.errors import MasterKeyError, StoreError
from tests.bench.operations import HANDLE, IGNORED, VISITS, Operation, State, digest, digest_of, model_in_use


def _people(gallery: Gallery, model: str) -> State:
    found: State = {person.identity.name: Counter() for person in gallery.people()}
    for template in gallery.templates():
        if template.embedding.model != model:
            raise StoreError("a vector of another model was read")
        found[template.identity.name][digest_of(template)] += 1
    return found


def _strangers(gallery: Gallery, model: str, expected: State) -> State:
    """Return who is remembered, by the handles of those who may be; of whom no look is left is nobody any more."""
    handle_of = {one: name for name, looks in expected.items() if name.startswith(HANDLE) for one in looks}
    known = {one.id: one for one in Unknowns(gallery, keep_seconds=0).everybody()}
    found: dict[int, Counter[str]] = {}
    for look in gallery.unknown_looks():
        if look.embedding.model != model:
            raise StoreError("a vector of another model was read")
        found.setdefault(look.identity.id, Counter())[digest(look.embedding)] += 1
    state: State = {}
    for number, looks in found.items():
        one = known.get(number)
        handle = handle_of.get(next(iter(looks)), f"{HANDLE}nobody asked for")
        seen = {VISITS: one.visits, IGNORED: int(one.ignored)} if one else {}
        state[handle] = looks + Counter(seen)
    return state


@dataclass
class Findings:
    """What crashes did; the faults, from `lost` to `traces`, must stay 0."""

    acknowledged: int = 0
    """Operations that had returned when the crash came."""
    half_way: int = 0
    """Galleries that were found between two models, and go on from there."""
    lost: int = 0
    """Acknowledged enrolments of which anything is missing."""
    resurrected: int = 0
    """Acknowledged forgettings whose person is there."""
    corrupt: int = 0
    """Galleries or backups that do not open, fail the integrity check or hold what nobody asked for in full."""
    traces: int = 0
    """Forgotten people of whom a vector is still in the gallery's files."""
    seen: list[str] = field(default_factory=list)
    """Each fault in words."""
    master: Master | None = None
    """The master key of encrypted galleries."""
    coming: Master | None = None
    """The one that it may be already, while it is being changed."""

    def judge(self, path: Path, before: State, pending: Operation | None, where: str) -> State:
        """Open the gallery as the next command would, and return what it holds."""
        after = pending.apply(before) if pending else before
        try:
            found, new = self._read(path, {**before, **after})
        except StoreError as error:
            self.corrupt += 1
            self.seen.append(f"{where}: {error}")
            return before
        if any(looks - found.get(name, Counter()) for name, looks in new.items()):
            self.corrupt += 1
            self.seen.append(f"{where}: the model to come has looks that nobody has")
        if pending and pending.kind == "expire":  # one after the other
            before = {name: looks for name, looks in before.items() if name in found or name in after}
        if found not in (before, after):
            self._blame(found, before, after, where)
        return found

    def _read(self, path: Path, expected: State) -> tuple[State, State]:
        """Return what is there, by the model in use and by the one to come: nothing where there is no file yet."""
        if not path.exists():
            return {}, {}
        now, coming = model_in_use(path)
        with Gallery(path, now, master=self._fitting(path, now)) as gallery, gallery.beside(coming) as moved:
            last = gallery.upgrade()
            half_way = last is not None and last.ended is None
            self.half_way += half_way
            found = _people(gallery, now) | _strangers(gallery, now, expected)
            return found, _people(moved, coming) if half_way else {}

    def _fitting(self, path: Path, model: str) -> Master | None:
        """Return the master key that opens the gallery, of the two that may."""
        if self.coming is None:
            return self.master
        with Gallery(path, model, master=self.master) as gallery:
            try:
                gallery.templates()
            except MasterKeyError:
                return self.coming
        return self.master

    def _blame(self, found: State, before: State, after: State, where: str) -> None:
        lost = [name for name in before if name in after and before[name] - found.get(name, Counter())]
        extra = [name for name in found if name not in before and name not in after]
        self.lost += len(lost)
        self.resurrected += len(extra)
        self.corrupt += not lost and not extra  # half of the operation that was going on
        self.seen.append(f"{where}: lost {lost}, resurrected {extra}, found {sorted(found)}")
