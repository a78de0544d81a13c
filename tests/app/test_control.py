"""What a running daemon answers, to whom, and what it never says."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeface.app.asks import SHAPES, read_ask
from edgeface.errors import (
    CallerGone,
    CameraError,
    ConfigError,
    ControlError,
    LooksLikeAnother,
    NoFaceFound,
    StoreError,
)
from tests.app.daemon import RECEIPT, Blind, Daemon, FakeCaller, FakePowers, everything_in, request_of
from tests.fakes import (
    BLUE,
    GREEN,
    PINKISH,
    START,
    PaintedCamera,
    Square,
    paint,
)


@pytest.mark.parametrize("right", ["owner", "group", "other"])
@pytest.mark.parametrize("ask", SHAPES)
def test_who_may_ask_for_what_and_no_answer_carries_a_similarity(ask, right):
    daemon, caller = Daemon(Square(BLUE)), FakeCaller(right)
    if right == "other" and ask != "status":
        with pytest.raises(ControlError, match=f"user 7 may not ask for '{ask}'"):
            daemon.ask(caller, **request_of(ask))
        assert (daemon.powers.notes, caller.said) == ([], [])
        return
    said = everything_in(json.loads(json.dumps(daemon.ask(caller, **request_of(ask)))))
    assert not any("similar" in str(value) or "0.8765" in str(value) for value in [*said, *caller.said])


def test_strangers_hear_how_the_daemon_is_but_no_name_place_or_event():
    whole = Daemon().ask(FakeCaller("group"), ask="status")
    assert whole["last_event"] == {"kind": "arrived", "name": "alice", "at": START}
    assert (whole["uptime_seconds"], whole["frames_per_second"]) == (61.3, 15.0)
    part = Daemon().ask(FakeCaller("other"), ask="status")
    assert part.keys() == whole.keys()
    assert part["cameras"] == [{"name": None, "state": "faulty", "reason": "stalled", "detail": None, "since": START}]
    assert not any(word in json.dumps(part) for word in ("alice", "door", "mqtt", "/state"))


@pytest.mark.parametrize(
    ("request_", "message", "hint"),
    [
        ({}, "request: ask is None", "choose one of status, reload"),
        ({"ask": 5}, "request: ask is 5", "choose one of"),
        ({"ask": ["status"]}, "request: ask is ['status']", "choose one of"),
        ({"ask": "x" * 999}, "request: ask is 'xxx", "choose one of"),
        ({"ask": "status", "verbose": True}, "unknown setting verbose", "choose one of ask"),
        ({"ask": "enroll"}, "name is missing", ""),
        ({"ask": "enroll", "nme": "a"}, "unknown setting nme", "did you mean name?"),
        ({"ask": "enroll", "name": 5}, "name must be str, not 5", ""),
        ({"ask": "enroll", "name": "a", "seconds": True}, "seconds must be float, not True", ""),
        ({"ask": "enroll", "name": "a", "seconds": 10**400}, "seconds must be float", ""),
        ({"ask": "enroll", "name": "a", "seconds": None}, "seconds must be float, not None", ""),
        ({"ask": "enroll", "name": "a", "seconds": -1}, "seconds must be 0.1 to 600, not -1", ""),
        ({"ask": "enroll", "name": "a", "seconds": 601}, "seconds must be 0.1 to 600, not 601", ""),
        ({"ask": "enroll", "name": "a", "force": "yes"}, "force must be bool, not 'yes'", ""),
        ({"ask": "enroll", "name": " "}, "a person's name is empty", ""),
        ({"ask": "enroll", "name": "x" * 101}, "has 101 characters", ""),
        ({"ask": "enroll", "name": "a\u202eb"}, "holds a control character", ""),
        ({"ask": "enroll", "name": "\ud800"}, "holds a control character", ""),
        ({"ask": "forget", "name": "a\0"}, "name holds a null character", ""),
    ],
)
def test_a_malformed_request_is_refused_with_what_is_wrong(request_, message, hint):
    with pytest.raises(ConfigError) as refusal:
        Daemon().ask(FakeCaller(), **request_)
    assert message in refusal.value.message
    assert hint in refusal.value.hint


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=5), SCALARS, max_size=2)
KEYS = st.sampled_from(["ask", "name", "seconds", "force", "gallery"]) | st.text(max_size=5)


@settings(deadline=None, max_examples=60)
@given(request_=st.dictionaries(KEYS, st.sampled_from(list(SHAPES)) | VALUES, max_size=6))
def test_whatever_is_asked_is_understood_or_refused(request_):
    try:
        assert read_ask(request_).ask == request_["ask"]
    except ConfigError as refusal:
        assert refusal.message.startswith("request: ")


def test_who_is_before_the_camera_is_enrolled_and_it_is_noted():
    daemon, caller = Daemon(Square(BLUE)), FakeCaller("group")
    answer = daemon.ask(caller, ask="enroll", name=" carol ")
    added = [{"source": "camera", "quality": 1.0, "face_px": 112}]
    assert answer == {"name": "carol", "added": added, "looks": 1}
    assert caller.said == ["looking at the daemon's camera for 0.5 s", "camera: good, hold still"]
    assert daemon.powers.notes == ["user 7 enrolled carol"]
    assert [identity.name for identity, _ in daemon.powers.people_known.looks] == ["alice", "bob", "carol"]


@pytest.mark.parametrize(
    "squares",
    [
        [],
        [Square(BLUE), Square(GREEN, left=300)],
        [Square(BLUE, size=25)],
        [Square(BLUE, light=0.2)],
        [Square(BLUE, sharp=False)],
        [Square(BLUE, turned=True)],
        [Square(PINKISH)],
    ],
)
def test_a_look_is_refused_exactly_as_without_a_daemon(squares):
    alone, told = FakePowers(), []
    camera = PaintedCamera([paint(*squares)] * 20)
    with pytest.raises(Exception, match="camera: ") as here:
        alone.enroller().from_camera("carol", camera, seconds=0.5, tell=told.append)
    daemon, caller = Daemon(*squares), FakeCaller()
    with pytest.raises(type(here.value)) as there:
        daemon.ask(caller, ask="enroll", name="carol")
    assert (there.value.message, there.value.hint) == (here.value.message, here.value.hint)
    assert caller.said[1:] == told
    assert len(daemon.powers.people_known.looks) == 2
    assert daemon.powers.notes == []


def test_only_the_owner_hears_how_much_a_face_resembles_somebody():
    daemon = Daemon(Square(PINKISH))
    with pytest.raises(LooksLikeAnother, match=r"\(similarity 0\.9\d, the limit is 0\.80\)"):
        daemon.ask(FakeCaller("owner"), ask="enroll", name="carol")
    with pytest.raises(LooksLikeAnother) as refusal:
        daemon.ask(FakeCaller("group"), ask="enroll", name="carol")
    assert refusal.value.message == "camera: looks like alice, who is enrolled already"
    assert daemon.ask(FakeCaller("group"), ask="enroll", name="carol", force=True)["looks"] == 1


def test_a_camera_that_is_away_does_not_keep_an_enrolment_waiting():
    with pytest.raises(NoFaceFound, match="no frame came"):
        Daemon().ask(FakeCaller(), camera=Blind([]), ask="enroll", name="carol", seconds=5)


def test_nobody_is_stored_when_nobody_waits_for_it():
    daemon, caller = Daemon(Square(BLUE)), FakeCaller()
    caller.gone = True
    with pytest.raises(CallerGone):
        daemon.ask(caller, ask="enroll", name="carol")
    assert len(daemon.powers.people_known.looks) == 2
    caller.gone = False
    assert daemon.ask(caller, ask="enroll", name="carol")["looks"] == 1


def test_one_person_is_enrolled_at_a_time():
    daemon = Daemon(Square(BLUE))

    class Nosy(FakeCaller):
        def tell(self, text):
            super().tell(text)
            if len(self.said) == 1:
                with pytest.raises(ControlError, match="somebody else is being enrolled"):
                    daemon.control({"ask": "enroll", "name": "dora"}, FakeCaller())

    assert daemon.ask(Nosy(), ask="enroll", name="carol")["name"] == "carol"


@pytest.mark.parametrize("ask", ["list", "forget", "enroll"])
def test_another_gallery_than_the_daemon_s_is_refused(ask):
    daemon = Daemon(Square(BLUE))
    with pytest.raises(ControlError, match=r"the daemon's gallery is /state/gallery\.db, not /mine\.db"):
        daemon.ask(FakeCaller(), **request_of(ask), gallery="/mine.db")
    assert daemon.ask(FakeCaller(), **request_of(ask), gallery="/state/gallery.db")


def test_who_is_enrolled_is_listed_and_can_be_forgotten():
    daemon = Daemon()
    listed = daemon.ask(FakeCaller("group"), ask="list")
    assert [person["name"] for person in listed["people"]] == ["alice", "bob"]
    assert listed["gallery"] == "/state/gallery.db"
    forgotten = daemon.ask(FakeCaller("group"), ask="forget", name="alice")
    assert forgotten == RECEIPT | {"name": "alice"}
    with pytest.raises(StoreError):
        daemon.ask(FakeCaller("group"), ask="forget", name="alise")
    assert daemon.powers.notes == ["user 7 had alice forgotten"]


def test_a_snapshot_is_the_next_frame_and_is_noted():
    daemon = Daemon(Square(BLUE))
    taken = daemon.ask(FakeCaller("group"), ask="snapshot")
    assert (taken["width"], taken["height"]) == (520, 180)
    assert base64.b64decode(taken["jpeg"]) == b"(180, 520, 3)"
    assert daemon.powers.notes == ["user 7 took a snapshot"]


def test_there_is_no_snapshot_of_a_camera_that_is_away():
    with pytest.raises(CameraError, match="the camera gives no picture"):
        Daemon().ask(FakeCaller(), camera=Blind([]), ask="snapshot")
