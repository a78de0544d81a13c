"""Say what to write at each face of a frame, for a video to check recognition by."""

from edgeface.app.pipeline import Labelled
from edgeface.core.types import Box


def label(face: Labelled) -> tuple[Box, str, bool]:
    """Return where, what and whether it is a name: with its similarity, "unknown", or "?" while undecided."""
    verdict = face.verdict
    if verdict.identity is not None:
        return face.face.box, f"{verdict.identity.name} {verdict.similarity:.2f}", True
    return face.face.box, "unknown" if verdict.state == "unknown" else "?", False
