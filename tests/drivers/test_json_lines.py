"""Events come out one a line, with keys that programs may rely on."""

import io
import json
import math
import os
from pathlib import Path

import pytest

from edgeface.core.types import CameraEvent, Event, Liveness, NoFaceEvent, ThermalEvent, UnprovenEvent, Visitor
from edgeface.drivers.sinks.json_lines import JsonLines, Text, event_json, utc
from edgeface.errors import HardwareError

ARRIVED = Event("arrived", "Zoë", 1_700_000_000.1239, 0.654321, 3)
STRANGER = Event("left", None, 0.0, -1.0, 1)


def test_the_keys_and_their_order_are_fixed() -> None:
    assert event_json(ARRIVED) == (
        '{"kind": "arrived", "name": "Zoë", "at": "2023-11-14T22:13:20.123Z", "similarity": 0.6543, "track": 3}'
    )


def test_a_stranger_has_no_name() -> None:
    assert json.loads(event_json(STRANGER))["name"] is None


def test_a_numpy_similarity_is_written_too() -> None:
    import numpy as np

    assert '"similarity": 0.5' in event_json(Event("left", "Ada", 0.0, np.float32(0.5), 1))  # pyright: ignore (NumPy)


def test_what_is_not_json_is_never_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        event_json(Event("left", "Ada", 0.0, math.nan, 1))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (0.9999, "1970-01-01T00:00:00.999Z"),
        (1.5, "1970-01-01T00:00:01.500Z"),
    ],
)
def test_times_are_utc_with_milliseconds(seconds: float, text: str) -> None:
    assert utc(seconds) == text


class Pipe(io.StringIO):
    """A stream that remembers what had been flushed."""

    flushed = ""

    def flush(self) -> None:
        self.flushed = self.getvalue()


def test_each_event_is_a_line_that_leaves_at_once() -> None:
    stream = Pipe()
    sink = JsonLines(stream)
    for event in (ARRIVED, STRANGER):
        sink.emit(event)
        assert stream.flushed.endswith(event_json(event) + "\n")
    assert len(stream.flushed.splitlines()) == 2


def test_people_read_a_sentence() -> None:
    stream = Pipe()
    sink = Text(stream)
    sink.emit(ARRIVED)
    sink.emit(STRANGER)
    first, second = stream.flushed.splitlines()
    assert first.endswith("  Zoë arrived (0.65)")
    assert second.endswith("  somebody unknown left")
    assert first[2] == first[5] == ":"


@pytest.mark.parametrize("sink", [JsonLines, Text])
def test_events_that_cannot_be_written_are_one_clear_error(sink: type[JsonLines | Text]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("only Linux has a device that is always full")
    with Path("/dev/full").open("w") as stream:
        with pytest.raises(HardwareError, match="events cannot be written: No space left on device"):
            sink(stream).emit(ARRIVED)
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # so that closing finds room for the line


def test_a_reader_who_has_gone_is_not_a_full_disk() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        with pytest.raises(BrokenPipeError):
            JsonLines(stream).emit(ARRIVED)
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def test_a_camera_event_has_keys_of_its_own() -> None:
    event = CameraEvent("faulty", "frozen", "it repeats one picture", "picamera2", 0.5)
    assert event_json(event) == (
        '{"kind": "camera", "state": "faulty", "reason": "frozen", "detail": "it repeats one picture", '
        '"camera": "picamera2", "at": "1970-01-01T00:00:00.500Z"}'
    )
    stream = io.StringIO()
    Text(stream).emit(event)
    Text(stream).emit(CameraEvent("ok", None, "", "picamera2", 1.0))
    first, second = stream.getvalue().splitlines()
    assert first.endswith("  camera picamera2 is faulty: it repeats one picture")
    assert second.endswith("  camera picamera2 is ok")


def test_a_thermal_event_has_keys_of_its_own() -> None:
    event = ThermalEvent("slowed", "temperature", "too hot: 80 °C", 80.04, 0.5)
    assert event_json(event) == (
        '{"kind": "thermal", "state": "slowed", "reason": "temperature", "detail": "too hot: 80 °C", '
        '"celsius": 80.0, "at": "1970-01-01T00:00:00.500Z"}'
    )
    assert json.loads(event_json(ThermalEvent("ok", None, "cool again", None, 1.0)))["celsius"] is None
    stream = io.StringIO()
    Text(stream).emit(event)
    assert stream.getvalue().endswith("  the loop is slowed: too hot: 80 °C\n")


def test_a_visit_has_an_id_and_what_is_no_visit_has_none() -> None:
    assert event_json(Event("left", None, 0.0, -1.0, 1, visit="5e1f")).endswith('"track": 1, "visit": "5e1f"}')
    assert "visit" not in json.loads(event_json(STRANGER))


def test_motion_without_a_face_has_keys_of_its_own() -> None:
    event = NoFaceEvent(0.5, 10.04)
    assert event_json(event) == '{"kind": "no_face", "seconds": 10.0, "at": "1970-01-01T00:00:00.500Z"}'
    stream = io.StringIO()
    Text(stream).emit(event)
    assert stream.getvalue().endswith("  somebody, but no face seen for 10 s\n")


def test_an_unproven_face_has_keys_of_its_own_and_no_name() -> None:
    event = UnprovenEvent("asked", ("left", "right"), 0.01239, 0.5, 7)
    assert event_json(event) == (
        '{"kind": "unproven", "state": "asked", "turns": ["left", "right"], "relief": 0.0124, '
        '"at": "1970-01-01T00:00:00.500Z", "track": 7}'
    )
    stream = io.StringIO()
    Text(stream).emit(event)
    Text(stream).emit(UnprovenEvent("failed", (), 0.01, 1.0, 7))
    asked, failed = stream.getvalue().splitlines()
    assert asked.endswith("  a face like somebody's: turn your head: left, then right")
    assert failed.endswith("  a face like somebody's: nothing shows that it is alive")


def test_liveness_and_the_id_of_an_unknown_person_are_told_where_they_are_known() -> None:
    alive = Event("arrived", "Zoë", 0.0, 0.6, 1, liveness=Liveness("alive", 0.23456))
    assert event_json(alive).endswith('"track": 1, "liveness": "alive", "relief": 0.2346}')
    again = Event("arrived", None, 0.0, 0.1, 1, visit="5e1f", unknown=Visitor("unknown-17", 3))
    assert event_json(again).endswith('"visit": "5e1f", "unknown": "unknown-17", "visits": 3}')
    stream = io.StringIO()
    Text(stream).emit(alive)
    Text(stream).emit(again)
    first, second = stream.getvalue().splitlines()
    assert first.endswith("  Zoë arrived (0.60), alive")
    assert second.endswith("  unknown-17, visit 3, arrived")
