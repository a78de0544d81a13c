"""Enrol people from one picture each and recognise the others, strangers among them, as a device would."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeface.core.align import align
from edgeface.core.decision import Policy, judge
from edgeface.core.protocols import Detector, Embedder, Index
from edgeface.core.types import Embedding, Face, Identity, Image
from edgeface.drivers.photos import read_photo
from edgeface_train.examine import choose_face


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture and who is in it."""

    path: Path
    name: str | None
    """None: a stranger."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the device said about one photo."""

    photo: Photo
    said: str | None
    """The name it gave; None: nobody it knows."""
    nearest: str | None
    similarity: float
    """Cosine to the nearest person, whether named or not."""

    @property
    def right(self) -> bool:
        """A person by name, a stranger by none."""
        return self.said == self.photo.name


@dataclass(frozen=True, slots=True)
class Tally:
    """How a trial went."""

    enrolled: int
    correct: int
    wrong: int
    """Of the enrolled people's probes: given another's name."""
    refused: int
    """Of the enrolled people's probes: given no name."""
    strangers: int
    """Probes of strangers."""
    strangers_named: int

    @property
    def mated(self) -> int:
        """Probes of enrolled people."""
        return self.correct + self.wrong + self.refused


class Eyes:
    """A detector and an embedder: from a picture to an embedding."""

    def __init__(self, detector: Detector, embedder: Embedder) -> None:
        self._detector, self._embedder = detector, embedder

    def look(self, image: Image) -> tuple[Face, Embedding]:
        """Embed the face of a picture. Raise PoorPhoto when there is none, or several alike."""
        face = choose_face(self._detector.detect(image))
        return face, self._embedder.embed([align(image, face.landmarks)])[0]


def recognise(eyes: Eyes, index: Index, policy: Policy, photos: Iterable[Photo]) -> list[Probe]:
    """Say of each photo who it shows; one look decides."""
    probes = []
    for photo in photos:
        face, embedding = eyes.look(read_photo(photo.path))
        probes.append(probe(photo, face, index.nearest(embedding, 2), policy))
    return probes


def probe(photo: Photo, face: Face, nearest: Sequence[tuple[Identity, float]], policy: Policy) -> Probe:
    """Judge one look."""
    match = judge(face, nearest, policy)
    said = match.identity.name if match.identity else None
    return Probe(photo, said, nearest[0][0].name if nearest else None, match.similarity)


def tally(enrolled: int, probes: Iterable[Probe]) -> Tally:
    """Count what became of the probes."""
    mated = [each for each in probes if each.photo.name is not None]
    strangers = [each for each in probes if each.photo.name is None]
    return Tally(
        enrolled=enrolled,
        correct=sum(each.right for each in mated),
        wrong=sum(each.said is not None and not each.right for each in mated),
        refused=sum(each.said is None for each in mated),
        strangers=len(strangers),
        strangers_named=sum(not each.right for each in strangers),
    )


def table(rows: Iterable[tuple[str, Tally]]) -> str:
    """Return tallies as a Markdown table."""
    lines = [
        "| enrolled from one picture each | probes | correct | wrong name | refused | strangers | strangers named |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for label, each in rows:
        shares = [f"{count} ({count / max(each.mated, 1):.1%})" for count in (each.correct, each.wrong, each.refused)]
        named = f"{each.strangers_named} ({each.strangers_named / max(each.strangers, 1):.1%})"
        cells = [f"{each.enrolled} {label}", str(each.mated), *shares, str(each.strangers), named]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
