"""Say who is in a photo, one look a face."""

from edgeface.app.sides import Side, Successor, match
from edgeface.core.align import align
from edgeface.core.decision import Policy
from edgeface.core.protocols import Detector, Embedder, Index
from edgeface.core.types import Image, Match


def identify(
    image: Image,
    *,
    detector: Detector,
    embedder: Embedder,
    index: Index,
    policy: Policy,
    successor: Successor | None = None,
) -> list[Match]:
    """Return a match for every face, largest first. A photo is a single look, so there is no vote."""
    faces = detector.detect(image)
    chips = [align(image, face.landmarks) for face in faces]
    looks = match(faces, chips, Side(embedder, index, policy), successor)
    return [look.match for look in looks]
