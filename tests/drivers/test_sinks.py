"""What every sink promises, tried on the fake and on the real ones."""

import io
import json
import os
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edgeface.core.protocols import Sink
from edgeface.core.types import Event
from edgeface.drivers.sinks.choose import Surroundings, name_of, open_outboxes, open_sink
from edgeface.drivers.sinks.command import CommandHook
from edgeface.drivers.sinks.file import EventFile
from edgeface.drivers.sinks.json_lines import JsonLines, event_json
from edgeface.drivers.sinks.unix_socket import EventSocket
from edgeface.drivers.sinks.webhook import Webhook
from edgeface.errors import ConfigError, SinkError
from edgeface.sink_settings import FileSinkSettings, SocketSinkSettings
from tests.drivers.test_webhook import Receiver
from tests.fakes import ListSink

ARRIVED = Event("arrived", "Zoë \n⚘", 1_700_000_000.1239, 0.654321, 3)
STRANGER = Event("left", None, 0.0, -1.0, 1)
TRIED = Event("arrived", "edgeface test", 1.0, 1.0, 0, test=True)


@dataclass
class Destination:
    """A sink and what has arrived where it leads."""

    sink: Sink
    arrived: Callable[[], list[dict[str, Any]]]


def as_objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def to_list(folder: Path) -> Destination:
    sink = ListSink()
    return Destination(sink, lambda: [json.loads(event_json(event)) for event in sink.events])


def to_stream(folder: Path) -> Destination:
    stream = io.StringIO()
    return Destination(JsonLines(stream), lambda: as_objects(stream.getvalue()))


def to_file(folder: Path) -> Destination:
    path = folder / "events.jsonl"
    return Destination(EventFile(path), lambda: as_objects(path.read_text(encoding="utf-8")))


def to_socket(folder: Path) -> Destination:
    sink = EventSocket(folder / "socket")
    listener = listen(folder / "socket")

    def arrived() -> list[dict[str, Any]]:
        with listener:
            return as_objects(received(listener))

    return Destination(sink, arrived)


def to_command(folder: Path) -> Destination:
    out = folder / "out"
    sink = CommandHook(["sh", "-c", f"cat >> {out}"], environment={"PATH": os.defpath})
    return Destination(sink, lambda: as_objects(out.read_text(encoding="utf-8")))


def to_webhook(folder: Path) -> Destination:
    receiver = Receiver()
    receiver.__enter__()
    sink = Webhook(f"http://127.0.0.1:{receiver.port}/")

    def arrived() -> list[dict[str, Any]]:
        receiver.__exit__()
        return [json.loads(body) for _, _, body in receiver.requests]

    return Destination(sink, arrived)


DESTINATIONS = [to_list, to_stream, to_file, to_socket, to_command, to_webhook]


def listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.settimeout(10)
    listener.connect(str(path))
    return listener


def received(listener: socket.socket) -> str:
    """Read what has been sent so far."""
    listener.setblocking(False)
    return listener.recv(1 << 20).decode()


@pytest.fixture(params=DESTINATIONS, ids=lambda make: make.__name__.removeprefix("to_"))
def destination(request, tmp_path):
    made = request.param(tmp_path)
    yield made
    made.sink.close()


def test_each_event_arrives_whole_and_in_order(destination) -> None:
    for event in (ARRIVED, STRANGER, TRIED):
        destination.sink.emit(event)
    assert destination.arrived() == [
        {"kind": "arrived", "name": "Zoë \n⚘", "at": "2023-11-14T22:13:20.123Z", "similarity": 0.6543, "track": 3},
        {"kind": "left", "name": None, "at": "1970-01-01T00:00:00.000Z", "similarity": -1.0, "track": 1},
        {
            "kind": "arrived",
            "name": "edgeface test",
            "at": "1970-01-01T00:00:01.000Z",
            "similarity": 1.0,
            "track": 0,
            "test": True,
        },
    ]


def test_closing_twice_does_no_harm(destination) -> None:
    destination.sink.emit(ARRIVED)
    destination.sink.close()
    destination.sink.close()
    assert len(destination.arrived()) == 1


def lines(path: Path) -> list[str]:
    return [json.loads(line)["name"] for line in path.read_text().splitlines()]


def named(name: str) -> Event:
    return Event("arrived", name, 0.0, 0.5, 1)


def test_a_file_of_events_is_its_owners_alone(tmp_path) -> None:
    path = tmp_path / "events"
    EventFile(path).emit(ARRIVED)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_written_before_is_kept(tmp_path) -> None:
    path = tmp_path / "events"
    path.write_text(event_json(named("first")) + "\n")
    EventFile(path).emit(named("second"))
    assert lines(path) == ["first", "second"]


def test_a_file_is_rotated_by_size_and_the_oldest_is_given_up(tmp_path) -> None:
    path, line = tmp_path / "events", len(event_json(named("1"))) + 1
    sink = EventFile(path, max_bytes=2 * line, keep=2)
    for number in range(1, 10):
        sink.emit(named(str(number)))
    sink.close()
    found = {file.name: lines(file) for file in tmp_path.iterdir()}
    assert found == {"events": ["9"], "events.1": ["7", "8"], "events.2": ["5", "6"]}


def test_an_event_larger_than_a_file_may_be_is_still_written(tmp_path) -> None:
    sink = EventFile(tmp_path / "events", max_bytes=10)
    sink.emit(named("1"))
    sink.emit(named("2"))
    assert (lines(tmp_path / "events"), lines(tmp_path / "events.1")) == (["2"], ["1"])


@pytest.mark.parametrize("how", ["renamed", "deleted", "copied and truncated"])
def test_logrotate_may_take_the_file_away(tmp_path, how) -> None:
    path, sink = tmp_path / "events", EventFile(tmp_path / "events")
    sink.emit(named("before"))
    if how == "renamed":
        path.rename(tmp_path / "old")
    elif how == "deleted":
        path.unlink()
    else:
        path.write_bytes(b"")
    sink.emit(named("after"))
    sink.close()
    assert lines(path) == ["after"]


def test_a_missing_folder_is_one_clear_error_until_it_is_there(tmp_path) -> None:
    sink = EventFile(tmp_path / "later" / "events")
    with pytest.raises(SinkError, match="later/events: No such file or directory"):
        sink.emit(named("lost"))
    (tmp_path / "later").mkdir()
    sink.emit(named("kept"))
    assert lines(tmp_path / "later" / "events") == ["kept"]


def test_a_full_disk_leaves_no_half_line(small_disk) -> None:
    sink, filling = EventFile(small_disk / "events"), small_disk / "filling"
    sink.emit(named("before"))
    with filling.open("wb", buffering=0) as stream, pytest.raises(OSError, match="No space"):
        while stream.write(bytes(4096)):
            pass
    with pytest.raises(SinkError, match=r"full|No space"):
        for _ in range(100):
            sink.emit(named("x" * 100))
    assert set(lines(small_disk / "events")) <= {"before", "x" * 100}
    filling.unlink()
    sink.emit(named("after"))
    sink.close()
    assert lines(small_disk / "events")[-1] == "after"


def test_listeners_come_and_go_as_they_like(tmp_path) -> None:
    path = tmp_path / "socket"
    sink = EventSocket(path)
    sink.emit(named("nobody hears"))
    with listen(path) as first:
        sink.emit(named("one"))
        with listen(path) as second:
            sink.emit(named("two"))
            assert len(received(second).splitlines()) == 1
        sink.emit(named("three"))
        assert [found["name"] for found in as_objects(received(first))] == ["one", "two", "three"]
    sink.close()
    assert not path.exists()


def test_a_listener_who_does_not_read_is_let_go(tmp_path) -> None:
    sink = EventSocket(tmp_path / "socket")
    with listen(tmp_path / "socket") as deaf, listen(tmp_path / "socket") as keen:
        for _ in range(3000):
            sink.emit(named("x" * 100))
            assert len(received(keen)) > 100
        text = deaf.makefile("rb").read()  # to its end: the sink has parted from it
    assert 0 < text.count(b"\n") < 3000
    sink.close()


def test_only_so_many_may_listen(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("edgeface.drivers.sinks.unix_socket.MOST_LISTENERS", 1)
    sink = EventSocket(tmp_path / "socket")
    with listen(tmp_path / "socket") as first, listen(tmp_path / "socket") as second:
        sink.emit(ARRIVED)
        assert (bool(received(first)), received(second)) == (True, "")
    sink.close()


def test_a_socket_is_its_owners_alone(tmp_path) -> None:
    sink = EventSocket(tmp_path / "socket")
    assert stat.S_IMODE((tmp_path / "socket").stat().st_mode) == 0o600
    sink.close()
    with pytest.raises(SinkError, match="is closed"):
        sink.emit(ARRIVED)


def test_a_socket_left_by_a_dead_server_is_replaced(tmp_path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "socket"))
    EventSocket(tmp_path / "socket").close()


def test_a_socket_in_use_a_file_and_an_impossible_path_are_refused(tmp_path) -> None:
    sink = EventSocket(tmp_path / "socket")
    (tmp_path / "file").write_text("precious")
    for path, reason in (
        (tmp_path / "socket", "is served by another program"),
        (tmp_path / "file", "a file is there"),
        (tmp_path / "none" / "socket", "No such file or directory"),
        (tmp_path / ("x" * 120), "too long"),
    ):
        with pytest.raises(ConfigError, match=reason):
            EventSocket(path)
    sink.close()
    assert (tmp_path / "file").read_text() == "precious"


def test_each_kind_of_settings_opens_its_sink(tmp_path) -> None:
    for settings, made in (
        (FileSinkSettings(path="events"), "EventFile(events, closed)"),
        (SocketSinkSettings(path=str(tmp_path / "s")), f"EventSocket({tmp_path}/s, open)"),
    ):
        sink = open_sink(settings, Surroundings())
        assert (repr(sink), name_of(settings)) == (made, f"{settings.kind} {settings.path}")
        sink.close()


def test_when_one_sink_cannot_be_opened_the_others_are_closed(tmp_path) -> None:
    good = SocketSinkSettings(path=str(tmp_path / "socket"))
    with pytest.raises(ConfigError):
        open_outboxes([good, SocketSinkSettings(path=str(tmp_path / "none" / "socket"))], Surroundings())
    assert not (tmp_path / "socket").exists()
