"""Let edgeface watch a film as it would watch a camera, and write down what it says."""

import math
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from edgeface import wiring
from edgeface.app.pipeline import Recognition
from edgeface.app.run import watch_all
from edgeface.config import Config
from edgeface.core.types import AnyEvent, Event, Frame
from edgeface.drivers.cameras.recorded import VideoFile
from edgeface.drivers.photos import list_photos, read_photo
from edgeface.drivers.store import Gallery
from edgeface.wiring_lookout import make_lookout
from tests.bench.visits.score import Arrival, Named, Told

START = 1_700_000_000.0
"""When the film is said to begin."""


class Notes:
    """A sink that keeps arrivals, and the names that faces bear."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.named: list[Named] = []

    def emit(self, event: AnyEvent) -> None:
        """Keep an arrival."""
        if isinstance(event, Event) and event.kind == "arrived":
            self.arrivals.append(Arrival(event.name, event.at - START, event.similarity))

    def close(self) -> None:
        """Do nothing."""

    def seen(self, recognition: Recognition) -> None:
        """Keep the names of one frame."""
        width = recognition.frame.image.shape[1]
        for face in recognition.faces:
            if face.verdict.identity is not None:
                middle = (face.face.box.left + face.face.box.width / 2) / width
                seconds = recognition.frame.seconds - START
                self.named.append(Named(face.verdict.identity.name, seconds, face.verdict.similarity, middle))


def play(film: Path, people: Path, config: Config, *, fps: float = math.inf) -> Told:
    """Enrol each photo of a folder under its file's name, and watch a film in which time passes as it was filmed.

    At most `fps` frames a second are taken, the newest each time, as by a device that cannot keep up.
    """
    config = replace(config, camera=replace(config.camera, source=str(film)), cameras=())
    parts, notes = wiring.make_parts(config, live=True), Notes()
    with tempfile.TemporaryDirectory(prefix="edgeface-visits-") as folder:
        config = replace(config, gallery=replace(config.gallery, path=str(Path(folder) / "gallery.db")))
        with Gallery(Path(config.gallery.path), parts.embedder.model) as gallery:
            enrol(replace(parts, detector=wiring.make_detector(config)), config, people, gallery)
            lookout = make_lookout(
                config, wiring.for_household(config, parts, gallery), gallery, [notes], on_frame=notes.seen
            )
            with VideoFile(film, clock=lambda: START) as source:
                watch_all((("", frame) for frame in newest(source.frames(), fps)), {"": lookout})
    return Told(tuple(notes.arrivals), tuple(notes.named))


def enrol(parts: wiring.Parts, config: Config, people: Path, gallery: Gallery) -> None:
    """Enrol everybody of a folder, as `edgeface enroll` does; raise EnrollmentError at a poor photo."""
    enroller = wiring.make_enroller(config, parts, gallery)
    for photo in list_photos(people):
        enroller.from_photos(photo.stem, [photo], read=read_photo)


def newest(frames: Iterator[Frame], fps: float) -> Iterator[Frame]:
    """Yield at most `fps` frames a second, to a steady beat."""
    due = None
    for frame in frames:
        due = frame.seconds if due is None else due
        if frame.seconds >= due:
            yield frame
            due = max(due + 1 / fps, frame.seconds)
