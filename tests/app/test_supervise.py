"""Every fault of a live camera is noticed, told and mended, in a world whose clock the test turns."""

import itertools

import numpy as np
import pytest

from edgeface.app.clock import SteadyClock
from edgeface.app.pipeline import Pipeline
from edgeface.app.run import watch
from edgeface.app.supervise import SupervisedCamera
from edgeface.core.decision import Policy
from edgeface.core.presence import Presence
from edgeface.core.tracking import Tracker
from edgeface.core.types import Frame, Gap
from edgeface.errors import CameraError
from tests.fakes import RED, START, ColourEmbedder, ListSink, Square, SquareDetector, gallery_of, paint

PERIOD = 0.1
PICTURE = paint(Square(RED))


class World:
    """A clock, and a painted camera whose faults are spans of seconds: {"black": (3, 5)}."""

    def __init__(self, seconds, must_open=False, **faults):
        self.ticks, self.wall_offset, self.faults = 0.0, START, faults
        self.opened, self.events, self.readings, self.seconds = [], [], [], seconds
        self.clock = SteadyClock(lambda: self.ticks + self.wall_offset, lambda: self.ticks)
        self.camera = SupervisedCamera(
            "door", self.open, clock=self.clock, wait=self.wait, tell=self.note, must_open=must_open
        )

    def note(self, event):
        self.events.append((round(self.ticks, 2), event.state, event.reason))

    def wait(self, seconds):
        self.ticks += seconds
        if self.ticks >= self.seconds:
            self.camera.closed = True

    def suffers(self, fault):
        begin, end = self.faults.get(fault, (0, 0))
        return begin <= self.ticks < end

    def open(self):
        self.opened.append(round(self.ticks, 2))
        if self.suffers("unplugged"):
            raise CameraError("no camera")
        self.readings.append(PaintedReading(self))
        return self.readings[-1]

    def run(self):
        return list(self.camera.frames())


class PaintedReading:
    """Shows somebody red in front of noise until a fault begins."""

    def __init__(self, world):
        self.world, self.closed, self.number, self.period = world, False, itertools.count(), 0.0
        self.due = 0.0

    def pace(self, period_seconds):
        self.period = period_seconds

    def poll(self, timeout_seconds):
        world = self.world
        assert not self.closed
        if world.ticks < self.due:
            world.wait(min(timeout_seconds, self.due - world.ticks))
            if world.ticks < self.due:
                return None
        self.due = world.ticks + self.period
        if world.suffers("unplugged"):
            raise CameraError("camera ended")
        if world.suffers("stalled"):
            world.wait(timeout_seconds)
            return None
        if world.suffers("slow") and round(world.ticks % 1, 2) + PERIOD < 1:
            world.wait(PERIOD)
            return None
        world.wait(PERIOD)
        image = PICTURE.copy()
        image[::8, ::8, 1] = 5 + next(self.number) % 2
        if world.suffers("black"):
            image[:] = 0
        if world.suffers("frozen"):
            image = PICTURE
        if world.suffers("size"):
            image = np.ascontiguousarray(image[:96])
        return Frame(image, world.clock())

    def close(self):
        self.closed = True


def test_a_camera_that_is_well_is_ok_and_gives_every_frame():
    world = World(5)
    frames = world.run()
    assert {type(frame) for frame in frames} == {Frame} and len(frames) >= 50
    assert world.events == [(0.2, "ok", None)]
    assert (world.camera.health.faults, world.camera.health.openings) == (0, 1)
    assert world.camera.health.size == (520, 180)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("unplugged", "lost"),
        ("stalled", "stalled"),
        ("black", "black"),
        ("frozen", "frozen"),
        ("size", "size"),
        ("slow", "slow"),
    ],
)
def test_every_fault_is_noticed_within_two_seconds_and_gone_when_it_is_over(fault, reason):
    world = World(16, **{fault: (3, 9)})
    world.run()
    states = [(state, why) for _, state, why in world.events if why != "unavailable"]
    assert states[:2] == [("ok", None), ("faulty", reason)]
    assert states[-1] == ("ok", None)
    noticed, recovered = world.events[1][0], world.events[-1][0]
    assert 3 <= noticed <= 5
    assert recovered <= 12
    assert world.camera.health.state == "ok"
    assert world.camera.health.faults == (2 if fault == "size" else 1)
    assert [reading.closed for reading in world.readings[:-1]] == [True] * (len(world.readings) - 1)


def test_the_back_off_doubles_up_to_a_minute():
    world = World(400, unplugged=(0, 1000))
    world.run()
    waits = np.diff(world.opened)
    assert waits == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60], abs=0.3)
    assert world.events == [(0.0, "faulty", "unavailable")]


def test_a_camera_that_flaps_does_not_reset_the_back_off_and_a_steady_one_does():
    world = World(60)
    world.suffers = lambda fault: (
        fault == "unplugged" and ((world.ticks < 20 and world.ticks % 2 > 1.2) or 40 <= world.ticks < 40.4)
    )
    world.run()
    early = np.diff([at for at in world.opened if at < 40])
    assert max(early) >= 4
    assert min(at for at in world.opened if at >= 40) <= 41.5


def test_a_light_switched_on_is_seen_although_the_next_opening_is_far():
    world = World(125, black=(1, 110))
    world.run()
    assert world.events[-1][1:] == ("ok", None)
    assert world.events[-1][0] <= 110.3


def test_the_loop_beats_while_a_camera_is_away():
    world = World(30, unplugged=(0, 100))
    gaps = world.run()
    assert {type(gap) for gap in gaps} == {Gap}
    assert max(np.diff([gap.seconds for gap in gaps])) <= 0.26


@pytest.mark.parametrize("period", [0.2, 0.5, 1.0])
def test_a_camera_that_is_asked_rarely_is_not_slow_and_the_loop_beats_on(period):
    world = World(20)
    world.camera.pace(period)
    given = world.run()
    frames = [frame.seconds for frame in given if isinstance(frame, Frame)]
    assert np.diff(frames) == pytest.approx(period, abs=PERIOD + 0.01)
    assert max(np.diff([one.seconds for one in given])) <= 0.26
    assert world.events == [(pytest.approx(period, abs=2 * PERIOD + 0.01), "ok", None)]


@pytest.mark.parametrize(("fault", "reason"), [("stalled", "stalled"), ("black", "black"), ("frozen", "frozen")])
def test_at_the_pace_of_an_idle_scene_faults_are_noticed_within_two_seconds(fault, reason):
    world = World(16, **{fault: (3, 9)})
    world.camera.pace(0.2)
    world.run()
    assert world.events[1][1:] == ("faulty", reason)
    assert 3 <= world.events[1][0] <= 5
    assert world.events[-1][1] == "ok"


def test_a_camera_keeps_its_pace_when_it_is_opened_again():
    world = World(12, unplugged=(3, 5))
    world.camera.pace(0.5)
    world.run()
    assert len(world.readings) > 1
    assert {reading.period for reading in world.readings} == {0.5}


def test_a_slow_consumer_is_not_the_camera_s_fault():
    world = World(60)
    for _ in world.camera.frames():
        world.wait(2.5)
    assert world.events[-1][1:] == ("ok", None)
    assert len(world.events) == 1


def test_a_camera_that_must_open_fails_at_once_and_later_no_more():
    with pytest.raises(CameraError, match="camera ended"):
        world = World(10, must_open=True, unplugged=(0.05, 5))
        world.run()
    world = World(10, must_open=True, unplugged=(3, 5))
    world.run()
    assert world.camera.health.state == "ok"


@pytest.mark.parametrize("jump", [-3600.0, 3600.0 * 24 * 400])
def test_when_the_clock_is_set_nobody_leaves_and_events_bear_the_new_time(jump):
    world, sink = World(6), ListSink()

    def set_clock():
        if world.ticks >= 3:
            world.wall_offset = START + jump
        return False

    pipeline = Pipeline(
        detector=SquareDetector(),
        embedder=ColourEmbedder(),
        index=gallery_of(alice=RED),
        policy=Policy(threshold=0.8),
        tracker=Tracker(),
    )
    watch(world.camera, pipeline, Presence(patience_seconds=2), [sink], on_beat=set_clock, date=world.clock.date)
    arrived, left = sink.events
    assert (arrived.kind, left.kind) == ("arrived", "left")
    assert left.at - arrived.at == pytest.approx(jump + 5.7, abs=0.5)
    assert [(state, reason) for _, state, reason in world.events] == [("ok", None), ("ok", "clock")]


def test_who_is_present_leaves_when_the_camera_is_away_for_longer_than_patience():
    world, sink = World(12, unplugged=(3, 20)), ListSink()
    pipeline = Pipeline(
        detector=SquareDetector(),
        embedder=ColourEmbedder(),
        index=gallery_of(alice=RED),
        policy=Policy(threshold=0.8),
        tracker=Tracker(),
    )
    beats = []
    watch(world.camera, pipeline, Presence(patience_seconds=2), [sink], on_beat=lambda: bool(beats.append(world.ticks)))
    left = sink.events[-1]
    assert (left.kind, left.name) == ("left", "alice")
    assert left.at - START == pytest.approx(3, abs=0.3)
    assert max(np.diff(beats)) <= 0.26
