from hypothesis import given
from hypothesis import strategies as st

from edgeface.core.presence import Presence, Sighting
from edgeface.core.types import Event, Identity

ADA, BOB = Identity(1, "ada"), Identity(2, "bob")


def seen(identity, track=1, similarity=0.8):
    return Sighting(track, identity, similarity)


def told(events):
    return [(event.kind, event.name, event.at) for event in events]


def test_somebody_arrives_once_and_leaves_once():
    presence = Presence(patience_seconds=10)
    assert presence.update([seen(ADA, 4, 0.7)], 100.0) == [Event("arrived", "ada", 100.0, 0.7, 4, visit="1")]
    assert presence.update([seen(ADA, 4, 0.9)], 101.0) == []
    assert presence.update([], 105.0) == []
    assert presence.update([], 111.0) == [Event("left", "ada", 101.0, 0.9, 4, visit="1")]
    assert presence.update([], 300.0) == []


def test_a_glance_away_is_not_a_departure():
    presence = Presence(patience_seconds=10)
    presence.update([seen(ADA)], 0.0)
    assert presence.update([], 9.9) == []
    assert presence.update([seen(ADA)], 9.95) == []
    assert presence.update([], 19.9) == []


def test_who_comes_back_after_patience_left_in_between():
    presence = Presence(patience_seconds=10)
    presence.update([seen(ADA)], 0.0)
    assert told(presence.update([seen(ADA)], 60.0)) == [("left", "ada", 0.0), ("arrived", "ada", 60.0)]


def test_a_person_in_two_tracks_arrives_once():
    presence = Presence()
    assert told(presence.update([seen(ADA, 1), seen(ADA, 2)], 0.0)) == [("arrived", "ada", 0.0)]
    assert presence.update([seen(ADA, 3)], 1.0) == []
    (left,) = presence.flush(2.0)
    assert (left.track, left.at) == (3, 1.0)


def test_each_person_has_a_visit_of_their_own():
    presence = Presence(patience_seconds=10)
    assert told(presence.update([seen(ADA, 1), seen(BOB, 2)], 0.0)) == [
        ("arrived", "ada", 0.0),
        ("arrived", "bob", 0.0),
    ]
    presence.update([seen(BOB, 2)], 5.0)
    assert told(presence.update([], 10.0)) == [("left", "ada", 0.0)]
    assert told(presence.update([], 15.0)) == [("left", "bob", 5.0)]


def test_two_people_of_one_name_are_two_people():
    presence = Presence()
    assert len(presence.update([seen(ADA, 1), seen(Identity(9, "ada"), 2)], 0.0)) == 2


def test_a_stranger_arrives_once_for_each_track():
    presence = Presence(patience_seconds=10)
    assert told(presence.update([seen(None, 1), seen(None, 2)], 0.0)) == [("arrived", None, 0.0)] * 2
    assert presence.update([seen(None, 1)], 9.0) == []
    (left,) = presence.update([seen(None, 1)], 10.0)
    assert (left.kind, left.name, left.track, left.at) == ("left", None, 2, 0.0)


def test_a_stranger_who_turns_out_to_be_a_friend_leaves_as_the_friend_arrives():
    presence = Presence()
    presence.update([seen(None, 7, 0.2)], 0.0)
    assert presence.update([seen(ADA, 7, 0.6)], 1.0) == [
        Event("left", None, 0.0, 0.2, 7, visit="1"),
        Event("arrived", "ada", 1.0, 0.6, 7, visit="2"),
    ]
    assert told(presence.flush(2.0)) == [("left", "ada", 1.0)]


def test_a_stranger_who_turns_out_to_be_a_friend_already_here_only_leaves():
    presence = Presence()
    presence.update([seen(ADA, 1), seen(None, 2)], 0.0)
    assert told(presence.update([seen(ADA, 2)], 1.0)) == [("left", None, 0.0)]


def test_a_friend_who_turns_away_is_no_stranger_arriving():
    presence = Presence(patience_seconds=10)
    presence.update([seen(ADA, 1)], 0.0)
    assert presence.update([seen(None, 1)], 1.0) == []
    assert presence.update([seen(ADA, 1)], 5.0) == []
    assert told(presence.flush(6.0)) == [("left", "ada", 5.0)]


def test_a_stranger_in_a_friends_place_has_arrived_when_the_friend_has_left():
    presence = Presence(patience_seconds=10)
    presence.update([seen(ADA, 1)], 0.0)
    assert presence.update([seen(None, 1)], 9.9) == []
    assert told(presence.update([seen(None, 1)], 10.0)) == [("left", "ada", 0.0), ("arrived", None, 10.0)]
    assert told(presence.flush(11.0)) == [("left", None, 10.0)]


def test_a_stranger_beside_a_friend_arrives_at_once():
    presence = Presence()
    presence.update([seen(ADA, 1)], 0.0)
    assert told(presence.update([seen(ADA, 1), seen(None, 2)], 1.0)) == [("arrived", None, 1.0)]


def test_a_stranger_where_a_friend_stood_who_is_seen_elsewhere_arrives_at_once():
    presence = Presence()
    presence.update([seen(ADA, 1)], 0.0)
    assert told(presence.update([seen(ADA, 2), seen(None, 1)], 1.0)) == [("arrived", None, 1.0)]


def test_at_the_end_everybody_leaves_oldest_first_and_only_once():
    presence = Presence()
    presence.update([seen(ADA, 1), seen(None, 2)], 0.0)
    presence.update([seen(ADA, 1)], 3.0)
    assert told(presence.flush(4.0)) == [("left", None, 0.0), ("left", "ada", 3.0)]
    assert presence.flush(5.0) == []


def test_after_a_flush_a_person_may_arrive_again():
    presence = Presence()
    presence.update([seen(ADA)], 0.0)
    presence.flush(0.0)
    assert told(presence.update([seen(ADA)], 1.0)) == [("arrived", "ada", 1.0)]


def test_a_clock_set_back_by_an_hour_does_not_keep_people_for_an_hour():
    presence = Presence(patience_seconds=10)
    presence.update([seen(ADA)], 3600.0)
    assert presence.update([], 5.0) == []
    assert told(presence.update([], 15.0)) == [("left", "ada", 5.0)]


def visits(events):
    return [(event.kind, event.visit) for event in events]


def test_an_arrival_and_its_departure_share_the_id_of_the_visit_and_the_next_visit_has_another():
    presence = Presence(patience_seconds=10)
    first = presence.update([seen(None, 1), seen(None, 2), seen(ADA, 3)], 0.0)
    assert visits(first) == [("arrived", "1"), ("arrived", "2"), ("arrived", "3")]
    presence.update([seen(None, 2), seen(ADA, 4)], 5.0)
    assert visits(presence.update([], 12.0)) == [("left", "1")]
    assert visits(presence.update([seen(ADA, 5)], 60.0)) == [("left", "3"), ("left", "2"), ("arrived", "4")]
    assert visits(presence.flush(61.0)) == [("left", "4")]


def test_whoever_makes_the_presence_names_the_visits():
    presence = Presence(new_id=iter(["a1", "b2"]).__next__)
    assert visits(presence.update([seen(None, 1), seen(ADA, 2)], 0.0)) == [("arrived", "a1"), ("arrived", "b2")]


def test_nobody_at_all_is_no_event():
    assert Presence().update([], 0.0) == []
    assert Presence().flush(0.0) == []


def slow_visits(times, patience):
    """Cut the times at which somebody was seen wherever the gap is too long."""
    visits = []
    for time in times:
        if visits and time - visits[-1][1] < patience:
            visits[-1][1] = time
        else:
            visits.append([time, time])
    return visits


@given(
    st.dictionaries(st.integers(0, 100), st.sets(st.sampled_from([ADA, BOB])), max_size=30),
    st.integers(1, 20),
)
def test_visits_are_the_sightings_cut_at_long_gaps(frames, patience):
    presence, events = Presence(patience_seconds=patience), []
    for second in sorted(frames):
        events += presence.update([seen(person, person.id) for person in frames[second]], float(second))
    events += presence.flush(101.0)
    for person in (ADA, BOB):
        times = [second for second in sorted(frames) if person in frames[second]]
        own = [event for event in events if event.name == person.name]
        assert [event.kind for event in own] == ["arrived", "left"] * (len(own) // 2)
        visits = [[came.at, went.at] for came, went in zip(own[::2], own[1::2], strict=True)]
        assert visits == slow_visits(times, patience)
