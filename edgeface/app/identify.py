"""Say who is in a photo, one look a face."""

from edgeface.core.align import align
from edgeface.core.decision import Policy, judge
from edgeface.core.protocols import Detector, Embedder, Index
from edgeface.core.types import Image, Match


def identify(image: Image, *, detector: Detector, embedder: Embedder, index: Index, policy: Policy) -> list[Match]:
    """Return a match for every face, largest first. A photo is a single look, so there is no vote."""
    faces = detector.detect(image)
    embeddings = embedder.embed([align(image, face.landmarks) for face in faces])
    return [judge(face, index.nearest(embedding, 2), policy) for face, embedding in zip(faces, embeddings, strict=True)]
