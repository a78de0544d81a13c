"""Turn a Config into what follows one camera, from its frames to the events that its sinks are told."""

from collections.abc import Callable, Sequence

from edgeface import wiring, wiring_cameras, wiring_sightings
from edgeface.app.pipeline import Recognition
from edgeface.app.run import Lookout
from edgeface.app.sides import Successor
from edgeface.config import Config
from edgeface.core.protocols import Sink
from edgeface.drivers.store import Gallery


def make_lookout(
    config: Config,
    parts: wiring.Parts,
    gallery: Gallery,
    sinks: Sequence[Sink],
    *,
    successor: Successor | None = None,
    name: str = "",
    on_frame: Callable[[Recognition], None] | None = None,
    wants_every_frame: bool = False,
    date: Callable[[float], float] = float,
) -> Lookout:
    """Return what follows the camera of a Config with one; parts and gallery may be shared with others.

    What is known of tracks, and so of visitors and of who is alive, is known for this camera alone.
    """
    return Lookout(
        wiring.make_pipeline(config, parts, gallery, successor=successor),
        wiring_sightings.make_presence(config),
        sinks,
        name=name,
        every=config.recognition.every,
        attention=None if wants_every_frame else wiring_cameras.make_attention(config),
        prover=wiring_sightings.make_prover(config),
        visitors=wiring_sightings.make_visitors(config, parts.policy, gallery),
        on_frame=on_frame,
        date=date,
    )
