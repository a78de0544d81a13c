"""Describe people and the camera to Home Assistant: topics, and the message by which it discovers them over MQTT.

Discovery is that of a whole device in one retained message (https://www.home-assistant.io/integrations/mqtt, "device
discovery payload"), which Home Assistant understands since 2024.11.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from edgeface.errors import ConfigError

LONGEST_SLUG = 40


@dataclass(frozen=True, slots=True)
class Topics:
    """Where what is published; everything begins with `base`, but for the discovery message."""

    base: str
    discovery_prefix: str = "homeassistant"

    @property
    def node(self) -> str:
        """What Home Assistant calls the device in its own records."""
        return slug(self.base)

    @property
    def config(self) -> str:
        """The retained discovery message."""
        return f"{self.discovery_prefix}/device/{self.node}/config"

    @property
    def birth(self) -> str:
        """Here Home Assistant says that it has started."""
        return f"{self.discovery_prefix}/status"

    @property
    def availability(self) -> str:
        """Retained: "online", or "offline" as a last will."""
        return f"{self.base}/availability"

    @property
    def camera(self) -> str:
        """Retained: "ON" while frames come, of several cameras from all."""
        return f"{self.base}/camera"

    def camera_state(self, camera: str) -> str:
        """Retained: "ON" while frames come from this one of several cameras."""
        return f"{self.base}/cameras/{slug(camera)}/state"

    def camera_event(self, camera: str) -> str:
        """Every event of this one of several cameras, as JSON."""
        return f"{self.base}/cameras/{slug(camera)}/event"

    @property
    def event(self) -> str:
        """Every event, as JSON."""
        return f"{self.base}/event"

    @property
    def unknown(self) -> str:
        """Events of people who are not enrolled, as JSON with an `event_type`."""
        return f"{self.base}/unknown"

    def presence(self, name: str) -> str:
        """Retained: "ON" while the person is there."""
        return f"{self.base}/people/{slug(name)}/presence"

    def last_seen(self, name: str) -> str:
        """Retained: a time in UTC."""
        return f"{self.base}/people/{slug(name)}/last_seen"


def check_topic(topic: str) -> str:
    """Return a topic to publish under. Raise ConfigError when it holds a wildcard or is no topic."""
    if not topic or any(c in "+#" or not c.isprintable() for c in topic) or topic[0] in "/$" or topic.endswith("/"):
        raise ConfigError(f"{topic!r} is no MQTT topic to publish under", hint='for example "edgeface/front-door"')
    return topic


def slug(name: str) -> str:
    """Return a name as a level of a topic, another one for another name.

    A name of small letters, digits, _ and - is its own slug; others end in 32 bits of their SHA-256.

    >>> slug("ada"), slug("Zoë Q.")
    ('ada', 'zoe_q-64a0ca2e')
    """
    if re.fullmatch(r"[a-z0-9_-]+", name) and len(name) <= LONGEST_SLUG and not re.search(r"-[0-9a-f]{8}$", name):
        return name
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:LONGEST_SLUG] or "person"
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def discovery(
    topics: Topics, device: str, people: Iterable[str], version: str, *, cameras: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the message that makes one device of all entities; `cameras` are the names of several."""
    components = {
        "camera": {
            "platform": "binary_sensor",
            "name": "Camera",
            "device_class": "connectivity",
            "entity_category": "diagnostic",
            "state_topic": topics.camera,
        },
        "unknown": {
            "platform": "event",
            "name": "Unknown person",
            "icon": "mdi:account-question",
            "event_types": ["arrived", "left"],
            "state_topic": topics.unknown,
        },
    }
    for name in cameras:
        components[f"camera_{slug(name)}"] = components["camera"] | {
            "name": f"Camera {name}",
            "state_topic": topics.camera_state(name),
        }
    for name in sorted(people):
        components[f"presence_{slug(name)}"] = {
            "platform": "binary_sensor",
            "name": name,
            "device_class": "presence",
            "state_topic": topics.presence(name),
        }
        components[f"last_seen_{slug(name)}"] = {
            "platform": "sensor",
            "name": f"{name} last seen",
            "device_class": "timestamp",
            "state_topic": topics.last_seen(name),
        }
    for key, component in components.items():
        component["unique_id"] = f"{topics.node}_{key}"
    return {
        "device": {"identifiers": [topics.node], "name": device, "manufacturer": "edgeface", "sw_version": version},
        "origin": {"name": "edgeface", "sw_version": version},
        "availability_topic": topics.availability,
        "components": components,
    }


def stale(topics: Topics, old: Any, new: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what an earlier discovery message left behind, as of people who have been forgotten since.

    The components are to be sent once with nothing but their platform, which removes their entities; the
    topics hold states of such people and are to be cleared.
    """
    components = old.get("components") if isinstance(old, dict) else None
    if not isinstance(components, dict):
        return {}, []
    gone = {key: it for key, it in components.items() if key not in new["components"] and isinstance(it, dict)}
    bare = {key: {"platform": it["platform"]} for key, it in gone.items() if "platform" in it}
    states = [str(it.get("state_topic", "")) for it in gone.values()]
    return bare, [state for state in states if state.startswith((f"{topics.base}/people/", f"{topics.base}/cameras/"))]
