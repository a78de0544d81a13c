"""What is published over MQTT: events, the states that they change, and the discovery message."""

import json
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from threading import Lock
from typing import Any

from edgeface.core.types import AnyEvent, CameraEvent, Event, ThermalEvent
from edgeface.drivers.sinks.home_assistant import Topics, discovery, stale
from edgeface.drivers.sinks.json_lines import event_fields, event_json, utc

Message = tuple[str, str, bool]
"""Topic, payload, whether the broker keeps it."""


class Messages:
    """Takes in events as they come, and says what to publish; with `announce=False` events alone."""

    def __init__(
        self,
        topics: Topics,
        people: Iterable[str],
        cameras: Sequence[str],
        *,
        device: str,
        discover: bool,
        announce: bool,
    ) -> None:
        self._topics, self._device = topics, device
        self._discover, self._announce = discover, announce
        self._lock = Lock()
        self._present: dict[str, set[str]] = {name: set() for name in people}
        """Before which cameras each person is; a single one has no name."""
        self._cameras = dict.fromkeys(cameras, False)
        """Which of several give frames."""
        self._states: dict[str, str] = {}
        """Last payload of other retained topics."""
        self._discovered: set[str] = set()
        """Whom the last discovery message told of."""

    def note(self, event: AnyEvent) -> None:
        """Remember what an event changes."""
        if not self._announce or event.test:
            return
        with self._lock:
            if isinstance(event, CameraEvent):
                self._note_camera(event)
            elif isinstance(event, Event) and event.name is not None:
                here = self._present.setdefault(event.name, set())
                (here.add if event.kind == "arrived" else here.discard)(event.camera)
                self._states[self._topics.last_seen(event.name)] = utc(event.at)

    def of_connection(self) -> list[Message]:
        """Return all states as they are now, to be published in this order."""
        first = [self._discovery_message()] if self._discover else []
        with self._lock:
            states = [(self._topics.presence(name), _on(bool(here)), True) for name, here in self._present.items()]
            states += [(topic, payload, True) for topic, payload in self._states.items()]
        return [*first, (self._topics.availability, "online", True), *states]

    def of_event(self, event: AnyEvent) -> list[Message]:
        """Return an event as messages, with the states that it has to do with as they are now."""
        messages: list[Message] = [(self._topics.event, event_json(event), False)]
        camera = "" if isinstance(event, ThermalEvent) else event.camera
        if camera in self._cameras:
            messages.append((self._topics.camera_event(camera), event_json(event), False))
        if not self._announce or event.test:
            return messages
        if isinstance(event, CameraEvent):
            own = [self._topics.camera_state(camera)] if camera in self._cameras else []
            return [*messages, *self._states_of([*own, self._topics.camera])]
        if not isinstance(event, Event):
            return messages
        if event.name is None:
            fields = event_fields(event)
            del fields["name"]
            described = json.dumps({"event_type": fields.pop("kind")} | fields)
            return [*messages, (self._topics.unknown, described, False)]
        if self._discover and event.name not in self._discovered:
            messages.insert(0, self._discovery_message())
        with self._lock:
            here = bool(self._present.get(event.name))
        seen = self._states_of([self._topics.last_seen(event.name)])
        return [*messages, *seen, (self._topics.presence(event.name), _on(here), True)]

    def of_forgetting(self, payload: bytes) -> list[Message]:
        """Return what removes from Home Assistant and the broker who has been forgotten since a discovery message."""
        try:
            old = json.loads(payload)
        except ValueError:
            return []
        new = self._discovery()
        bare, topics = stale(self._topics, old, new)
        messages = [(topic, "", True) for topic in topics]
        if bare:
            both = new | {"components": new["components"] | bare}
            messages = [(self._topics.config, json.dumps(both), True), self._discovery_message(), *messages]
        return messages

    def _discovery(self) -> dict[str, Any]:
        with self._lock:
            return discovery(self._topics, self._device, self._present, version("edgeface"), cameras=self._cameras)

    def _discovery_message(self) -> Message:
        with self._lock:
            self._discovered = set(self._present)
        return self._topics.config, json.dumps(self._discovery(), ensure_ascii=False), True

    def _states_of(self, topics: Iterable[str]) -> list[Message]:
        with self._lock:
            return [(topic, self._states[topic], True) for topic in topics if topic in self._states]

    def _note_camera(self, event: CameraEvent) -> None:
        """Remember the state of a camera, and of several together."""
        well = event.state == "ok"
        if event.camera in self._cameras:
            self._cameras[event.camera] = well
            self._states[self._topics.camera_state(event.camera)] = _on(well)
            well = all(self._cameras.values())
        self._states[self._topics.camera] = _on(well)


def _on(true: bool) -> str:
    return "ON" if true else "OFF"
