"""A relay lets in who may enter, with a second factor, on the pins of gpiozero's mock factory."""

from dataclasses import replace

import pytest

gpiozero = pytest.importorskip("gpiozero", reason="gpiozero belongs to the gpio extra")
from gpiozero.pins.mock import MockFactory  # noqa: E402 (after the check that it is there)

from edgeface.core.types import CameraEvent, Event, Liveness  # noqa: E402 (after the check that gpiozero is there)
from edgeface.drivers.sinks.choose import Surroundings, open_sink  # noqa: E402 (after the check that gpiozero is there)
from edgeface.drivers.sinks.relay import Relay, RelayPolicy, open_contacts  # noqa: E402 (after the check that gpiozero is there)
from edgeface.errors import ConfigError, MissingExtra, SinkError  # noqa: E402 (after the check that gpiozero is there)
from edgeface.sink_settings import RelaySinkSettings  # noqa: E402 (after the check that gpiozero is there)

NOW = 1_700_000_000.0
POLICY = RelayPolicy({"Ada"}, factor_seconds=10, hold_seconds=3, failures=2, lockout_seconds=300)
ARMED = {"pin": 17, "people": ("Ada",), "dry_run": False, "factor_pin": 27}


class Door:
    """A relay at pin 17, a contact at pin 27, and a clock that moves when the sink waits."""

    def __init__(
        self, policy=POLICY, *, dry_run: bool = False, factor_pin: int | None = 27, active_high: bool = True
    ) -> None:
        self.factory, self.seconds = MockFactory(), 0.0
        self.presses: dict[float, bool] = {}
        """When the contact closes or opens."""
        self.history: list[tuple[float, bool]] = []
        """What the relay's line was during each pause that began with it closed."""
        contacts = open_contacts(17, factor_pin, dry_run=dry_run, active_high=active_high, factory=self.factory)
        self.line, self.contact = self.factory.pin(17), self.factory.pin(27)
        self.sink = Relay(
            contacts, policy, clock=lambda: NOW + self.seconds, monotonic=lambda: self.seconds, pause=self.pause
        )

    def pause(self, seconds: float) -> bool:
        if seconds == POLICY.hold_seconds:
            self.history.append((seconds, bool(self.line.state)))
        self.seconds += seconds
        for at in sorted(self.presses):
            if at <= self.seconds:
                self.contact.drive_low() if self.presses.pop(at) else self.contact.drive_high()
        return False

    def arrive(self, name: str | None = "Ada", **changes) -> None:
        event = {"kind": "arrived", "name": name, "at": NOW + self.seconds, "similarity": 0.9, "track": 1} | changes
        self.sink.emit(Event(**event))


@pytest.fixture
def door():
    door = Door()
    yield door
    door.sink.close()
    door.factory.close()


def told(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_with_the_second_factor_the_relay_closes_for_a_while_and_opens_again(door) -> None:
    assert not door.line.state
    door.presses = {4.0: True}
    door.arrive()
    assert door.history == [(3, True)]
    assert not door.line.state


def test_without_the_second_factor_nothing_opens(door, caplog) -> None:
    door.arrive()
    assert (door.history, 10 <= door.seconds < 10.1) == ([], True)
    assert told(caplog) == ["relay: no second factor, Ada is not let in"]


def test_a_factor_that_comes_too_late_opens_nothing(door) -> None:
    door.presses = {10.5: True}
    door.arrive()
    assert door.history == []


def test_a_contact_that_is_stuck_closed_opens_nothing(door) -> None:
    door.contact.drive_low()
    door.arrive()
    assert door.history == []


def test_a_contact_that_opens_and_closes_again_counts(door) -> None:
    door.contact.drive_low()
    door.presses = {1.0: False, 2.0: True}
    door.arrive()
    assert door.history == [(3, True)]


@pytest.mark.parametrize(
    "changes",
    [{"name": None}, {"name": "Mallory"}, {"kind": "left"}, {"test": True}, {"at": NOW - 11}, {"at": NOW + 60}],
    ids=str,
)
def test_nobody_else_and_nothing_else_opens_it(door, changes) -> None:
    door.presses = {1.0: True}
    door.arrive(**changes)
    door.sink.emit(CameraEvent("ok", None, "", "0", NOW))
    assert (door.history, door.seconds) == ([], 0.0)


def test_several_failures_in_a_row_lock_it_for_a_while(door, caplog) -> None:
    door.arrive()
    door.arrive()
    locked_at = door.seconds
    assert told(caplog)[-1] == "relay: locked for 300 s"
    door.presses = {locked_at + 1: True}
    door.arrive()
    assert (door.seconds, door.history) == (locked_at, [])
    assert told(caplog)[-1] == "relay: locked, Ada is not let in"
    door.seconds += 300
    door.presses = {door.seconds + 1: True}
    door.arrive()
    assert door.history == [(3, True)]


def test_a_success_forgives_earlier_failures(door, caplog) -> None:
    for _ in range(3):
        door.arrive()
        door.presses = {door.seconds + 1: True, door.seconds + 3: False}
        door.arrive()
    assert len(door.history) == 3
    assert not [message for message in told(caplog) if "locked" in message]


def test_a_dry_run_touches_no_relay(caplog) -> None:
    door = Door(dry_run=True)
    door.presses = {1.0: True}
    door.arrive()
    assert told(caplog) == ["relay: dry run, Ada would be let in"]
    assert (door.line.function, door.history, repr(door.sink)) == ("input", [], "Relay(dry run)")
    door.sink.close()
    door.factory.close()


def test_a_relay_that_closes_on_a_low_line_rests_on_a_high_one() -> None:
    door = Door(active_high=False)
    assert door.line.state
    door.presses = {1.0: True}
    door.arrive()
    assert door.history == [(3, False)]
    door.sink.close()
    door.factory.close()


def test_closing_opens_the_relay_in_the_middle_of_a_hold(door) -> None:
    def interrupted(seconds: float) -> bool:
        door.pause(seconds)
        if seconds == POLICY.hold_seconds:
            door.sink.close()
        return door.sink._closed.is_set()

    door.sink._pause = interrupted
    door.presses = {1.0: True}
    door.arrive()
    assert door.history == [(3, True)]
    assert repr(door.sink) == "Relay(closed)"
    assert door.line.function == "input"
    with pytest.raises(SinkError, match="closed down"):
        door.arrive()


@pytest.mark.parametrize(
    ("changes", "threshold", "message"),
    [
        ({}, None, "without a calibrated threshold"),
        ({"factor_pin": None}, 0.5, "without a second factor"),
        ({"people": ()}, 0.5, "lets nobody in"),
    ],
)
def test_it_is_not_armed_on_the_word_of_the_model_alone(changes, threshold, message) -> None:
    with pytest.raises(ConfigError, match=message) as refusal:
        open_sink(RelaySinkSettings(**(ARMED | changes)), Surroundings(threshold=threshold))
    assert refusal.value.hint


def test_by_default_it_is_a_dry_run_that_needs_no_gpio(caplog) -> None:
    sink = open_sink(RelaySinkSettings(pin=17, people=("Ada",)), Surroundings())
    assert repr(sink) == "Relay(dry run)"
    sink.close()
    assert told(caplog) == []


def test_lines_that_cannot_be_used_are_one_clear_error() -> None:
    factory = MockFactory()
    with pytest.raises(ConfigError, match="lines 17 and 17 cannot be used"):
        open_contacts(17, 17, dry_run=False, active_high=True, factory=factory)
    factory.close()


def test_without_gpiozero_one_line_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gpiozero", None)
    with pytest.raises(MissingExtra, match="gpiozero") as missing:
        open_sink(RelaySinkSettings(**ARMED), Surroundings(threshold=0.5))
    assert missing.value.hint == "pip install 'edgeface[gpio]'"


@pytest.mark.parametrize("liveness", [None, Liveness("unproven", 0.9)])
def test_where_liveness_is_required_nobody_is_let_in_without_a_proof_of_it(liveness, caplog) -> None:
    door = Door(replace(POLICY, alive=True))
    try:
        door.presses = {1.0: True}
        door.arrive(liveness=liveness)
        assert door.history == []
        assert "nothing shows that Ada is alive" in told(caplog)[0]
        door.presses = {door.seconds + 0.5: False, door.seconds + 1.0: True}
        door.arrive(liveness=Liveness("alive", 0.2))
        assert door.history == [(POLICY.hold_seconds, True)]
    finally:
        door.sink.close()
        door.factory.close()
