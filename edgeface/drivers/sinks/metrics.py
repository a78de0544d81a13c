"""Serve counts of events to Prometheus, on this machine only."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from edgeface.core.types import AnyEvent, CameraEvent, Event, ThermalEvent
from edgeface.errors import ConfigError, MissingExtra, SinkError

if TYPE_CHECKING:
    from edgeface.drivers.sinks.outbox import Outbox

ADDRESS = "127.0.0.1"


class Metrics:
    """A `Sink` that counts events and serves the counts over HTTP on the loopback address; no name is shown.

    `outboxes` are those whose tallies are shown too, and may grow. The names of several `cameras` are a label of what
    is counted for each.
    """

    def __init__(self, port: int, outboxes: Sequence["Outbox"] = (), *, cameras: Sequence[str] = ()) -> None:
        try:
            from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server
        except ImportError as error:
            raise MissingExtra(
                "metrics need prometheus-client, which is not installed", hint="pip install 'edgeface[metrics]'"
            ) from error
        registry = CollectorRegistry()
        self._cameras = frozenset(cameras)
        label = ["camera"] if cameras else []
        self._events = Counter(
            "edgeface_events", "People who came or went.", ["kind", "who", *label], registry=registry
        )
        self._present = Gauge("edgeface_people_present", "Enrolled people who are here.", registry=registry)
        self._camera = Gauge("edgeface_camera_up", "1 while the camera gives frames.", label, registry=registry)
        for name in cameras:
            self._camera.labels(name)
        self._slowed = Gauge("edgeface_loop_slowed", "1 while the loop is slowed by heat.", registry=registry)
        self._here: set[tuple[str, str]] = set()
        """Name and camera of each visit of somebody enrolled."""
        registry.register(_Tallies(outboxes))
        try:
            self._server, self._thread = start_http_server(port, ADDRESS, registry)
        except OSError as error:
            raise ConfigError(
                f"metrics cannot be served at port {port}: {error.strerror}", hint="choose another sink.port"
            ) from error
        self.port: int = self._server.server_port
        self._closed = False

    def __repr__(self) -> str:
        return f"Metrics({ADDRESS}:{self.port}, {'closed' if self._closed else 'open'})"

    def emit(self, event: AnyEvent) -> None:
        """Count one event, unless it is a trial's."""
        if self._closed:
            raise SinkError("metrics are closed")
        if event.test:
            return
        if isinstance(event, CameraEvent):
            self._of(self._camera, event.camera).set(event.state == "ok")
            return
        if isinstance(event, ThermalEvent):
            self._slowed.set(event.state == "slowed")
        if not isinstance(event, Event):
            return
        labels = [event.kind, "unknown" if event.name is None else "known", *([event.camera] if self._cameras else [])]
        self._events.labels(*labels).inc()
        if event.name is not None:
            (self._here.add if event.kind == "arrived" else self._here.discard)((event.name, event.camera))
            self._present.set(len({name for name, _ in self._here}))

    def _of(self, gauge: Any, camera: str) -> Any:
        return gauge.labels(camera) if self._cameras else gauge

    def close(self) -> None:
        """Serve no more."""
        if not self._closed:
            self._closed = True
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()


class _Tallies:
    """Reads the outboxes' tallies when Prometheus asks."""

    def __init__(self, outboxes: Sequence["Outbox"]) -> None:
        self._outboxes = outboxes

    def collect(self) -> Iterator[Any]:
        """Yield one family: events by sink and outcome."""
        from prometheus_client.core import CounterMetricFamily

        family = CounterMetricFamily("edgeface_sink_events", "How sinks fared.", labels=["sink", "outcome"])
        totals: dict[tuple[str, str], int] = {}
        for outbox in self._outboxes:
            tally = outbox.tally
            for outcome in ("delivered", "failed", "dropped"):
                key = (outbox.name, outcome)
                totals[key] = totals.get(key, 0) + getattr(tally, outcome)
        for key, total in totals.items():
            family.add_metric(key, total)
        yield family
