"""Prometheus reads counts, on this machine only."""

import socket
from http.client import HTTPConnection

import pytest

pytest.importorskip("prometheus_client", reason="prometheus-client belongs to the metrics extra")

from edgeface.core.types import CameraEvent, Event, ThermalEvent
from edgeface.drivers.sinks.choose import Surroundings, name_of, open_outboxes
from edgeface.drivers.sinks.metrics import Metrics
from edgeface.drivers.sinks.outbox import Outbox
from edgeface.errors import ConfigError, MissingExtra, SinkError
from edgeface.sink_settings import FileSinkSettings, MetricsSinkSettings
from tests.fakes import ListSink


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def read(port: int) -> dict[str, float]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines if "_created" not in name}


def event(kind: str, name: str | None, **changes) -> Event:
    return Event(kind, name, 0.0, 0.5, 1, **changes)


def test_events_are_counted_and_no_name_is_shown() -> None:
    sink = Metrics(free_port())
    for one in (event("arrived", "Ada"), event("arrived", "Bo"), event("left", "Bo"), event("arrived", None)):
        sink.emit(one)
    sink.emit(event("arrived", "edgeface test", test=True))
    sink.emit(CameraEvent("ok", None, "", "0", 0.0))
    sink.emit(ThermalEvent("slowed", "temperature", "too hot", 80.0, 0.0))
    shown = read(sink.port)
    assert shown['edgeface_events_total{kind="arrived",who="known"}'] == 2
    assert shown['edgeface_events_total{kind="left",who="known"}'] == 1
    assert shown['edgeface_events_total{kind="arrived",who="unknown"}'] == 1
    assert (shown["edgeface_people_present"], shown["edgeface_camera_up"]) == (1, 1)
    assert shown["edgeface_loop_slowed"] == 1
    assert not [name for name in shown if "Ada" in name]
    sink.close()
    sink.close()
    with pytest.raises(SinkError, match="closed"):
        sink.emit(event("left", "Ada"))


def test_several_cameras_are_a_label_and_who_is_before_two_of_them_is_one_person() -> None:
    sink = Metrics(free_port(), cameras=("door", "yard"))
    assert read(sink.port)['edgeface_camera_up{camera="yard"}'] == 0
    sink.emit(CameraEvent("ok", None, "", "door", 0.0))
    for camera in ("door", "yard"):
        sink.emit(event("arrived", "Ada", camera=camera))
    sink.emit(event("left", "Ada", camera="door"))
    shown = read(sink.port)
    sink.close()
    assert (shown['edgeface_camera_up{camera="door"}'], shown['edgeface_camera_up{camera="yard"}']) == (1, 0)
    assert shown['edgeface_events_total{camera="door",kind="arrived",who="known"}'] == 1
    assert shown["edgeface_people_present"] == 1


def test_what_sinks_lose_is_shown(tmp_path) -> None:
    port = free_port()
    settings = [FileSinkSettings(path=str(tmp_path / "none" / "x")), MetricsSinkSettings(port=port)]
    with open_outboxes(settings, Surroundings()) as outboxes:
        file, _ = outboxes.outboxes
        outboxes.emit(event("arrived", "Ada"))
        file.close(10)
        shown = read(port)
    assert shown[f'edgeface_sink_events_total{{outcome="failed",sink="file {tmp_path}/none/x"}}'] == 1
    assert f'edgeface_sink_events_total{{outcome="dropped",sink="metrics {port}"}}' in shown


def test_two_sinks_of_one_name_are_added_up() -> None:
    outboxes = [Outbox(ListSink(), name="twin") for _ in range(2)]
    for outbox in outboxes:
        outbox.emit(event("arrived", "Ada"))
        outbox.close(10)
    sink = Metrics(free_port(), outboxes)
    assert read(sink.port)['edgeface_sink_events_total{outcome="delivered",sink="twin"}'] == 2
    sink.close()


def test_only_this_machine_can_ask() -> None:
    sink = Metrics(free_port())
    assert sink._server.server_address[0] == "127.0.0.1"
    sink.close()


def test_a_port_in_use_is_one_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match=r"cannot be served at port .*: Address already in use"):
            Metrics(taken.getsockname()[1])


def test_without_prometheus_client_one_line_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "prometheus_client", None)
    with pytest.raises(MissingExtra, match="prometheus-client"):
        Metrics(9464)
    assert name_of(MetricsSinkSettings()) == "metrics 9464"
