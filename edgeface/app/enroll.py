"""Enrol a person: every look is judged before any is stored, and each refusal says why."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from edgeface.core.align import align
from edgeface.core.names import clean_name
from edgeface.core.protocols import Camera, Detector, Embedder, Index
from edgeface.core.quality import ENROLL_LIMITS, Limits, Quality, assess, reasons
from edgeface.core.types import Embedding, Face, Frame, Identity, Image
from edgeface.errors import EnrollmentError, LooksLikeAnother, NoFaceFound, PoorPhoto, SeveralFacesFound


class People(Index, Protocol):
    """A gallery that can be added to."""

    def add(
        self, name: str, embeddings: Sequence[Embedding], source: str = "", *, chips: Sequence[Image] = ()
    ) -> Identity:
        """Store more looks of a person, new or known, with the chips they were made of if these are to be kept."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One face good enough to be remembered."""

    source: str
    """Where it is from: a photo's path, or the camera."""
    face: Face
    quality: Quality
    chip: Image


@dataclass(frozen=True, slots=True, eq=False)
class Enrolled:
    """A person and the looks that were added."""

    identity: Identity
    looks: list[Look]


class Enroller:
    """Enrols people into one gallery."""

    def __init__(
        self,
        *,
        detector: Detector,
        embedder: Embedder,
        people: People,
        threshold: float,
        limits: Limits = ENROLL_LIMITS,
        keeps_chips: bool = False,
    ) -> None:
        self._detector, self._embedder, self._people = detector, embedder, people
        self._threshold, self._limits = threshold, limits
        self._keeps_chips = keeps_chips

    def from_photos(
        self, name: str, photos: Sequence[Path], *, read: Callable[[Path], Image], force: bool = False
    ) -> Enrolled:
        """Store one look a photo, or nothing at all when any photo is refused.

        `force` accepts a face that resembles somebody else; nothing makes a poor photo acceptable.
        """
        name = clean_name(name)
        looks, embeddings, refusals = [], [], []
        for photo in photos:
            try:
                look = self.look(read(photo), str(photo))
                embeddings.append(self._embed(name, look, force=force))
                looks.append(look)
            except EnrollmentError as refusal:
                refusals.append(refusal)
        if refusals:
            raise _all_of(refusals, len(photos))
        return self._store(name, looks, embeddings, "photo")

    def from_camera(
        self,
        name: str,
        camera: Camera,
        *,
        seconds: float,
        tell: Callable[[str], None],
        force: bool = False,
    ) -> Enrolled:
        """Watch for so many seconds of the stream and store the best acceptable look.

        `tell` hears, whenever it changes, why the face in view will not do, or how good it is.
        """
        name = clean_name(name)
        best: Look | None = None
        refusal: EnrollmentError = NoFaceFound("camera: no frame came")
        said = ""
        for frame in _first(camera, seconds):
            try:
                look = self.look(frame.image, "camera")
            except EnrollmentError as reason:
                refusal, remark = reason, reason.message
            else:
                best = look if best is None or look.quality.score > best.quality.score else best
                remark = "camera: good, hold still"
            if remark != said:
                tell(remark)
                said = remark
        if best is None:
            raise type(refusal)(f"no acceptable look in {seconds:g} s; last: {refusal}", hint=refusal.hint)
        embedding = self._embed(name, best, force=force)
        return self._store(name, [best], [embedding], "camera")

    def look(self, image: Image, source: str) -> Look:
        """Return the one face of a picture. Raise an EnrollmentError that says why there is none to keep."""
        faces = self._detector.detect(image)
        if not faces:
            raise NoFaceFound(f"{source}: no face found", hint="use a picture of one face, from the front")
        if len(faces) > 1:
            raise SeveralFacesFound(
                f"{source}: {len(faces)} faces found, exactly one is needed",
                hint="crop the picture to the person who is enrolled",
            )
        chip = align(image, faces[0].landmarks)
        quality = assess(image, faces[0], chip)
        problems = reasons(quality, self._limits)
        if problems:
            raise PoorPhoto(f"{source}: {'; '.join(problems)}", hint="use a sharp, well lit picture, from the front")
        return Look(source, faces[0], quality, chip)

    def _store(self, name: str, looks: list[Look], embeddings: Sequence[Embedding], source: str) -> Enrolled:
        chips = [look.chip for look in looks] if self._keeps_chips else []
        return Enrolled(self._people.add(name, embeddings, source=source, chips=chips), looks)

    def _embed(self, name: str, look: Look, *, force: bool) -> Embedding:
        [embedding] = self._embedder.embed([look.chip])
        for identity, similarity in self._people.nearest(embedding, 2):
            if identity.name != name and similarity >= self._threshold and not force:
                raise LooksLikeAnother(
                    f"{look.source}: looks like {identity.name}, who is enrolled already",
                    scores=f"similarity {similarity:.2f}, the limit is {self._threshold:.2f}",
                    hint="add --force if they are two people, for whom mix-ups are then likely",
                )
        return embedding


def describe_enrolled(enrolled: Enrolled, looks: int) -> dict[str, Any]:
    """Return for JSON who was enrolled, the looks that were added, and how many there are now."""
    added = [
        {"source": look.source, "quality": round(look.quality.score, 3), "face_px": round(look.quality.face_px)}
        for look in enrolled.looks
    ]
    return {"name": enrolled.identity.name, "added": added, "looks": looks}


def _first(camera: Camera, seconds: float) -> Iterator[Frame]:
    start: float | None = None
    for frame in camera.frames():
        start = frame.seconds if start is None else start
        if frame.seconds - start > seconds:
            return
        if isinstance(frame, Frame):
            yield frame


def _all_of(refusals: Sequence[EnrollmentError], photos: int) -> EnrollmentError:
    """Return the only refusal as it is, or one error that lists them all."""
    if len(refusals) == 1:
        return refusals[0]
    return EnrollmentError(
        f"{len(refusals)} of {photos} photos are refused, so nothing is stored:",
        hint=refusals[0].hint,
        details=map(str, refusals),
    )
