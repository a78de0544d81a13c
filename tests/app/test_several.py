"""Several cameras in one loop: each has people of its own, and none waits for another."""

import itertools

import pytest

from edgeface.app.clock import SteadyClock
from edgeface.app.liveness import Prover
from edgeface.app.pipeline import Pipeline
from edgeface.app.run import Lookout, watch_all
from edgeface.app.several import Bell, Several, excuses, worst_of
from edgeface.app.supervise import CameraHealth, SupervisedCamera
from edgeface.app.visitors import Visitors
from edgeface.core.decision import Policy
from edgeface.core.liveness import LivenessLimits
from edgeface.core.presence import Presence
from edgeface.core.tracking import Tracker
from edgeface.core.types import CameraEvent, Event, Frame, Gap
from edgeface.errors import CameraError
from tests.app.test_visitors import FakeMemory
from tests.fakes import (
    BLUE,
    GREEN,
    RED,
    ColourEmbedder,
    ListSink,
    PaintedCamera,
    Square,
    SquareDetector,
    gallery_of,
    paint,
)


class World:
    """Cameras that film when they are due, by a clock that only the loop moves: by waiting, and by its work."""

    def __init__(self, **periods):
        self.now, self.told, self.sink = 1000.0, [], ListSink()
        self.clock = SteadyClock(lambda: self.now, lambda: self.now)
        self.due = dict.fromkeys(periods, self.now)
        self.periods, self.closed, self.readings = periods, [], 0
        self.broken = {}
        self.cameras = {
            name: SupervisedCamera(
                name,
                lambda name=name: self.open(name),
                clock=self.clock,
                wait=self.wait,
                tell=self.told.append,
                poll_seconds=0.0,
            )
            for name in periods
        }

    def wait(self, seconds):
        """Wait in steps of 10 ms, as a bell that rings would end it."""
        if seconds:
            self.now += 0.01

    def open(self, name):
        self.readings += 1
        return Reading(self, name)

    def frames(self, seconds, work=0.0):
        """Yield what comes for so long; each frame takes the loop some work."""
        end = self.now + seconds
        several = Several(self.cameras, now=lambda: self.now, wait=self.wait, excuse=excuses(self.cameras))
        for name, seen in several.frames():
            if self.now >= end:
                break
            yield name, seen
            self.now += work if isinstance(seen, Frame) else 0


class Reading:
    def __init__(self, world, name):
        self.world, self.name, self.shade = world, name, itertools.count()

    def poll(self, timeout_seconds):
        assert timeout_seconds == 0, "nobody waits for one camera"
        world, name = self.world, self.name
        kind = next((kind for kind, (start, end) in world.broken.get(name, {}).items() if start <= world.now < end), "")
        if kind == "gone":
            raise CameraError(f"camera {name} ended")
        if kind == "silent" or world.now < world.due[name]:
            return None
        taken = world.due[name]
        while world.due[name] <= world.now:
            taken, world.due[name] = world.due[name], world.due[name] + world.periods[name]
        return Frame(paint(Square(RED, left=next(self.shade) % 7 + 20)), taken)

    def pace(self, period_seconds): ...

    def close(self):
        self.world.closed.append(self.name)


def counts(seen):
    found = {}
    for name, each in seen:
        found[name, type(each)] = found.get((name, type(each)), 0) + 1
    return found


def test_each_camera_gives_all_its_frames():
    found = counts(World(door=0.1, yard=0.2).frames(10))
    assert found["door", Frame] == pytest.approx(100, abs=2)
    assert found["yard", Frame] == pytest.approx(50, abs=2)


@pytest.mark.parametrize("fault", ["silent", "gone"])
def test_a_failing_camera_takes_nothing_from_the_other_and_is_told_within_two_seconds(fault):
    world = World(door=0.1, yard=0.1)
    world.broken["yard"] = {fault: (1003.0, 1013.0)}
    found = counts(world.frames(20))
    assert found["door", Frame] == pytest.approx(200, abs=3)
    faults = [event for event in world.told if event.state == "faulty"]
    assert {event.camera for event in faults} == {"yard"}
    assert faults[0].at - 1003 <= 2
    assert [event.state for event in world.told if event.camera == "yard"][-1] == "ok"
    assert found["yard", Gap] >= 20


def test_a_loop_that_is_busy_with_one_camera_does_not_call_the_other_late():
    world = World(door=0.1, yard=0.1)
    found = counts(world.frames(30, work=0.7))
    assert [event.state for event in world.told] == ["ok", "ok"]
    assert abs(found["door", Frame] - found["yard", Frame]) <= 2


def test_a_camera_that_is_silent_is_told_though_the_loop_never_rests():
    world = World(door=0.1, yard=0.1)
    world.broken["yard"] = {"silent": (1003.0, 1100.0)}
    counts(world.frames(20, work=0.3))
    first = next(event for event in world.told if event.state == "faulty")
    assert (first.camera, first.reason) == ("yard", "stalled")
    assert first.at - 1003 <= 2 + 0.3, "when the frame that was being worked on is done"


def test_who_is_before_two_cameras_arrives_and_leaves_at_each():
    sink = ListSink()

    def lookout(name):
        pipeline = Pipeline(
            detector=SquareDetector(),
            embedder=ColourEmbedder(),
            index=gallery_of(alice=RED, bob=GREEN),
            policy=Policy(0.8),
            tracker=Tracker(),
        )
        return Lookout(pipeline, Presence(1.0), [sink], name=name)

    alice, bob, nobody = paint(Square(RED)), paint(Square(GREEN)), paint()
    cameras = {
        "door": PaintedCamera([alice] * 10 + [nobody] * 20),
        "yard": PaintedCamera([nobody] * 10 + [bob] * 5 + [alice] * 10),
    }
    several = Several(cameras, now=lambda: 0.0, wait=lambda seconds: None, excuse=lambda name, seconds: None)
    lookouts = {name: lookout(name) for name in cameras}
    watch_all(several.frames(), lookouts)
    said = [(event.camera, event.kind, event.name) for event in sink.events if isinstance(event, Event)]
    assert [each[1:] for each in said if each[0] == "door"] == [("arrived", "alice"), ("left", "alice")]
    yard = [each[1:] for each in said if each[0] == "yard"]
    assert set(yard) == {("arrived", "bob"), ("left", "bob"), ("arrived", "alice"), ("left", "alice")}
    assert len(yard) == 4
    assert (lookouts["door"].summary.frames, lookouts["yard"].summary.frames) == (30, 25)


def test_recordings_end_one_after_the_other():
    cameras = {"short": PaintedCamera([paint()] * 2), "long": PaintedCamera([paint(Square(BLUE))] * 5)}
    waits = []
    several = Several(cameras, now=lambda: 0.0, wait=waits.append, excuse=lambda name, seconds: None)
    assert [name for name, _ in several.frames()] == ["short", "long"] * 2 + ["long"] * 3
    assert waits == []


def test_the_worst_camera_speaks_for_all():
    well = CameraHealth("ok")
    silent = CameraHealth("faulty", "stalled", "no picture comes")
    assert worst_of({"door": well, "yard": silent}) == CameraHealth("faulty", "stalled", "yard: no picture comes")
    assert worst_of({"door": CameraHealth("starting"), "yard": well}).state == "starting"
    assert worst_of({"door": well, "yard": well}) == CameraHealth("ok", detail="door, yard")


def test_a_bell_that_rang_before_does_not_let_the_loop_sleep():
    bell = Bell()
    bell.ring()
    bell.wait(30)
    bell.wait(0)


def test_events_of_the_cameras_bear_their_names():
    world = World(door=0.1, yard=0.1)
    counts(world.frames(1))
    assert {event.camera for event in world.told if isinstance(event, CameraEvent)} == {"door", "yard"}


def test_who_is_unknown_at_two_cameras_is_one_person_and_who_is_alive_is_known_for_each():
    memory, sink, policy = FakeMemory(), ListSink(), Policy(threshold=0.8)

    def lookout(name):
        return Lookout(
            Pipeline(
                detector=SquareDetector(),
                embedder=ColourEmbedder(),
                index=gallery_of(alice=RED),
                policy=policy,
                tracker=Tracker(),
            ),
            Presence(patience_seconds=2.0),
            [sink],
            name=name,
            prover=Prover(LivenessLimits(turns=0), lambda: "left", required=True),
            visitors=Visitors(memory, policy, 1.5),
        )

    scene = paint(Square(RED), Square(BLUE, left=300))
    filmed = zip(PaintedCamera([scene] * 60).frames(), PaintedCamera([scene] * 60).frames(), strict=True)
    seen = ((name, frame) for pair in filmed for name, frame in zip(("door", "yard"), pair, strict=True))
    watch_all(seen, {name: lookout(name) for name in ("door", "yard")})
    unproven = [event for event in sink.events if event.kind == "unproven"]
    arrived = [event for event in sink.events if event.kind == "arrived"]
    assert sorted(event.camera for event in unproven) == ["door", "yard"]
    assert [(event.camera, event.name, event.unknown.name) for event in arrived] == [
        ("door", None, "unknown-1"),
        ("yard", None, "unknown-1"),
    ]
