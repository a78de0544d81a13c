"""A daemon to talk to: what it knows is made up, what it answers with is the real one."""

import threading
from contextlib import contextmanager

from edgeface.app.control import Control, Desk, Listed
from edgeface.app.enroll import Enroller
from edgeface.app.status import CameraStatus, SinkStatus, Status
from edgeface.app.window import Window
from edgeface.core.types import Event, Gap
from edgeface.errors import (
    CallerGone,
    CameraError,
    ConfigError,
    ControlError,
    LooksLikeAnother,
    NoFaceFound,
    PoorPhoto,
    SeveralFacesFound,
    StoreError,
)
from tests.fakes import (
    GREEN,
    RED,
    START,
    ColourEmbedder,
    PaintedCamera,
    SquareDetector,
    gallery_of,
    paint,
)

STATUS = Status(
    version="1.2.3",
    uptime_seconds=61.26,
    frames_per_second=14.96,
    cameras=[CameraStatus("rtsp://door", "faulty", "stalled", "no picture comes from door", START)],
    people=2,
    model="colour int8 0123456789ab",
    gallery="/state/gallery.db",
    last_event=Event("arrived", "alice", START, 0.87654, 3),
    sinks=[SinkStatus("mqtt broker", 1, 20, 3, 4)],
)


def no_rest(seconds):
    """Look again at once."""


RECEIPT = {
    "looks_removed": 1,
    "keys_destroyed": 0,
    "chips_removed": 0,
    "key_files": [],
    "unreached": [],
    "audit": 7,
    "hash": "5ec0",
    "plain_copies": ["/state/backups/gallery-20261124T030000Z.db"],
}


class FakeCaller:
    def __init__(self, right="owner"):
        self.right, self.who, self.said, self.gone = right, "user 7", [], False

    def tell(self, text):
        self.said.append(text)

    def check(self):
        if self.gone:
            raise CallerGone("user 7 does not wait")


class FakePowers:
    """A daemon that knows alice, who is red, and bob, who is green."""

    def __init__(self):
        self.people_known = gallery_of(alice=RED, bob=GREEN)
        self.notes = []

    def enroller(self):
        return Enroller(detector=SquareDetector(), embedder=ColourEmbedder(), people=self.people_known, threshold=0.8)

    def looks_of(self, identity):
        return sum(known == identity for known, _ in self.people_known.looks)

    def status(self):
        return STATUS

    def gallery(self):
        return "/state/gallery.db"

    def people(self):
        return [Listed("alice", 1, START, "m"), Listed("bob", 1, START, "m")]

    def forget(self, name):
        if name not in ("alice", "bob"):
            raise StoreError(f"nobody called {name!r}", hint="did you mean 'alice'?")
        return RECEIPT | {"name": name}

    @contextmanager
    def desk(self):
        yield Desk(self.enroller(), self.looks_of)

    def enroll_seconds(self):
        return 0.5

    def reload(self):
        return True

    def jpeg(self, image):
        return bytes(str(image.shape), "ascii")

    def note(self, text):
        self.notes.append(text)


class Daemon:
    """A control whose loop shows a picture again and again, until what was asked is answered."""

    def __init__(self, *squares):
        self.window, self.powers = Window(lambda: 0.0, no_rest), FakePowers()
        self.control = Control(self.window, self.powers)
        self.picture = paint(*squares)

    def ask(self, caller, camera=None, **request):
        """Return the answer, or raise what is raised."""
        outcome = []

        def answer():
            try:
                outcome.append(self.control(request, caller))
            except (ConfigError, ControlError, CameraError, StoreError, NoFaceFound, PoorPhoto) as error:
                outcome.append(error)
            except (SeveralFacesFound, LooksLikeAnother) as error:
                outcome.append(error)

        thread = threading.Thread(target=answer)
        thread.start()
        frames = iter(self.window.over(camera or PaintedCamera([self.picture] * 10**6)).frames())
        while thread.is_alive():
            next(frames)
            thread.join(0.001)
        [said] = outcome
        if isinstance(said, Exception):
            raise said
        return said


class Blind(PaintedCamera):
    """A camera that is away."""

    def frames(self):
        for number in range(10**6):
            yield Gap(START + number / 4)


def everything_in(said):
    """Return every key and value of nested JSON."""
    if isinstance(said, dict):
        return [*said, *(inner for value in said.values() for inner in everything_in(value))]
    if isinstance(said, list):
        return [inner for value in said for inner in everything_in(value)]
    return [said]


def request_of(ask):
    return {"ask": ask} | ({"name": "carol"} if ask == "enroll" else {"name": "alice"} if ask == "forget" else {})
