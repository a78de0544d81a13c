"""Enrol a person: every look is judged before any is stored, and each refusal says why."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from edgeface.app.closeup import CloseUp
from edgeface.app.sides import Successor
from edgeface.core.align import align
from edgeface.core.names import clean_name
from edgeface.core.protocols import Camera, Detector, Embedder, Index
from edgeface.core.quality import ENROLL_LIMITS, Limits, Quality, assess, reasons
from edgeface.core.types import Embedding, Face, Frame, Identity, Image
from edgeface.errors import EnrollmentError, LooksLikeAnother, NoFaceFound, PoorPhoto, SeveralFacesFound


class People(Index, Protocol):
    """A gallery that can be added to."""

    def add(
        self,
        name: str,
        embeddings: Sequence[Embedding],
        source: str = "",
        *,
        chips: Sequence[Image] = (),
        upcoming: Sequence[Embedding] = (),
    ) -> Identity:
        """Store more looks of a person, new or known, with the chips they were made of if these are to be kept.

        `upcoming` are the same looks by the model that the gallery is being upgraded to, if it is.
        """
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


@dataclass(frozen=True, slots=True, eq=False)
class _Embedded:
    """A look as the model in use sees it, and as the one to come, if there is one."""

    look: Look
    embedding: Embedding
    upcoming: Embedding | None


class Enroller:
    """Enrols people into one gallery; `successor` is the model that it is being upgraded to, if it is.

    `close_up` finds the landmarks of a face anew, where the detector searches a smaller copy.
    """

    def __init__(
        self,
        *,
        detector: Detector,
        embedder: Embedder,
        people: People,
        threshold: float,
        limits: Limits = ENROLL_LIMITS,
        keeps_chips: bool = False,
        successor: Successor | None = None,
        close_up: CloseUp | None = None,
    ) -> None:
        self._detector, self._embedder, self._people = detector, embedder, people
        self._threshold, self._limits = threshold, limits
        self._keeps_chips, self._successor, self._close_up = keeps_chips, successor, close_up

    def from_photos(
        self, name: str, photos: Sequence[Path], *, read: Callable[[Path], Image], force: bool = False
    ) -> Enrolled:
        """Store one look a photo, or nothing at all when any photo is refused.

        `force` accepts a face that resembles somebody else; nothing makes a poor photo acceptable.
        """
        name = clean_name(name)
        looks, refusals = [], []
        for photo in photos:
            try:
                look = self.look(read(photo), str(photo))
                looks.append(self._embed(name, look, force=force))
            except EnrollmentError as refusal:
                refusals.append(refusal)
        if refusals:
            raise _all_of(refusals, len(photos))
        return self._store(name, looks, "photo")

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
        return self._store(name, [self._embed(name, best, force=force)], "camera")

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
        [face] = faces
        if self._close_up:
            face = replace(face, landmarks=self._close_up.landmarks(image, face))
        chip = align(image, face.landmarks)
        quality = assess(image, face, chip)
        problems = reasons(quality, self._limits)
        if problems:
            raise PoorPhoto(f"{source}: {'; '.join(problems)}", hint="use a sharp, well lit picture, from the front")
        return Look(source, face, quality, chip)

    def _store(self, name: str, looks: Sequence[_Embedded], source: str) -> Enrolled:
        identity = self._people.add(
            name,
            [each.embedding for each in looks],
            source=source,
            chips=[each.look.chip for each in looks] if self._keeps_chips else [],
            upcoming=[each.upcoming for each in looks if each.upcoming],
        )
        return Enrolled(identity, [each.look for each in looks])

    def _embed(self, name: str, look: Look, *, force: bool) -> _Embedded:
        [embedding] = self._embedder.embed([look.chip])
        self._check(name, look, self._people.nearest(embedding, 2), self._threshold, force=force)
        if self._successor is None:
            return _Embedded(look, embedding, None)
        [upcoming] = self._successor.embedder.embed([look.chip])
        near = self._successor.index.nearest(upcoming, 2)
        self._check(name, look, near, self._successor.policy.threshold, force=force)
        return _Embedded(look, embedding, upcoming)

    @staticmethod
    def _check(name: str, look: Look, near: Sequence[tuple[Identity, float]], threshold: float, *, force: bool) -> None:
        for identity, similarity in near:
            if identity.name != name and similarity >= threshold and not force:
                raise LooksLikeAnother(
                    f"{look.source}: looks like {identity.name}, who is enrolled already",
                    scores=f"similarity {similarity:.2f}, the limit is {threshold:.2f}",
                    hint="add --force if they are two people, for whom mix-ups are then likely",
                )


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
