import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeface.core.decision import Ballot, Policy, Verdict, judge, one_place_each, settle
from edgeface.core.types import Box, Face, Identity, Match
from edgeface.errors import ConfigError

FACE = Face(Box(0, 0, 50, 60), np.zeros((5, 2), np.float32), 0.9)
ADA, BOB, CYD = Identity(1, "ada"), Identity(2, "bob"), Identity(3, "cyd")
POLICY = Policy(threshold=0.5)


def look(identity, similarity=0.7):
    return Match(FACE, identity, similarity, 0.1)


def verdicts(looks, policy=POLICY):
    """The verdict after each look."""
    ballot, found = Ballot(policy), []
    for identity in looks:
        ballot.add(look(identity))
        found.append(ballot.verdict())
    return found


def named(looks, policy=POLICY):
    return [v.identity.name if v.identity else v.state for v in verdicts(looks, policy)]


def test_the_nearest_person_above_the_threshold_is_named():
    match = judge(FACE, [(ADA, 0.7), (BOB, 0.3)], POLICY)
    assert (match.face, match.identity, match.similarity, match.runner_up) == (FACE, ADA, 0.7, 0.3)


def test_a_similarity_at_the_threshold_is_enough_and_below_it_is_not():
    assert judge(FACE, [(ADA, 0.5)], POLICY).identity == ADA
    below = judge(FACE, [(ADA, math.nextafter(0.5, 0))], POLICY)
    assert below.identity is None
    assert below.similarity == pytest.approx(0.5)


def test_two_people_about_equally_near_name_nobody():
    match = judge(FACE, [(ADA, 0.75), (BOB, 0.72)], POLICY)
    assert match.identity is None
    assert (match.similarity, match.runner_up) == (0.75, 0.72)


def test_a_lead_of_the_margin_is_enough():
    assert judge(FACE, [(ADA, 0.75), (BOB, 0.5)], Policy(threshold=0.5, margin=0.25)).identity == ADA


def test_a_gallery_of_one_has_no_runner_up():
    assert judge(FACE, [(ADA, 0.6)], POLICY).runner_up == -1


def test_an_empty_gallery_names_nobody():
    match = judge(FACE, [], Policy(threshold=-1, margin=0))
    assert (match.identity, match.similarity, match.runner_up) == (None, -1, -1)


def test_a_similarity_that_is_not_a_number_names_nobody():
    assert judge(FACE, [(ADA, math.nan), (BOB, 0.1)], POLICY).identity is None
    assert judge(FACE, [(ADA, 0.9), (BOB, math.nan)], POLICY).identity is None


@pytest.mark.parametrize(
    "settings",
    [
        {"threshold": 1.5},
        {"threshold": math.nan},
        {"threshold": 0.5, "margin": -0.1},
        {"threshold": 0.5, "votes_needed": 0},
        {"threshold": 0.5, "votes_needed": 6},
    ],
)
def test_a_policy_that_cannot_be_followed_is_refused(settings):
    with pytest.raises(ConfigError, match=f"{list(settings)[-1]} is"):
        Policy(**settings)


def test_before_the_first_look_nothing_is_decided():
    assert Ballot(POLICY).verdict() == Verdict("undecided", None, -1)


def test_one_lucky_look_is_not_a_verdict():
    assert named([ADA]) == ["undecided"]


def test_three_looks_of_five_are_a_verdict_as_soon_as_they_are_there():
    assert named([ADA, ADA, ADA]) == ["undecided", "undecided", "ada"]
    assert named([ADA, None, ADA, None, ADA])[-2:] == ["undecided", "ada"]


def test_a_stranger_is_unknown_only_after_all_looks():
    assert named([None] * 5) == ["undecided"] * 4 + ["unknown"]


def test_two_votes_each_are_unknown():
    assert named([ADA, BOB, ADA, BOB, None])[-1] == "unknown"


def test_an_unknown_who_shows_the_face_becomes_known():
    assert named([None] * 6 + [ADA] * 3)[-3:] == ["unknown", "unknown", "ada"]


def test_a_friend_who_turns_away_stays_known_until_five_looks_in_a_row_do_not_name_them():
    assert named([ADA] * 3 + [None] * 5) == ["undecided"] * 2 + ["ada"] * 5 + ["unknown"]


def test_one_supporting_look_in_five_keeps_a_friend_known():
    assert set(named([ADA] * 3 + [None, None, None, None, ADA] * 4)[2:]) == {"ada"}


def test_a_single_vote_does_not_bring_a_lost_friend_back():
    assert named([ADA] * 3 + [None] * 5 + [ADA])[-1] == "unknown"


def test_a_track_that_jumps_to_another_person_changes_its_name_after_three_looks():
    assert named([ADA] * 9 + [BOB] * 3)[-4:] == ["ada", "ada", "ada", "bob"]


def test_looks_that_name_various_others_make_a_known_track_unknown():
    assert named([ADA] * 3 + [BOB, CYD, BOB, CYD, None])[-2:] == ["ada", "unknown"]


def test_of_two_with_enough_votes_the_present_identity_stays_at_a_tie_and_yields_to_more():
    policy = Policy(threshold=0.5, votes_needed=2, votes_of=5)
    assert named([ADA, ADA, BOB, BOB, None], policy)[1:] == ["ada"] * 4
    assert named([ADA, ADA, BOB, BOB, BOB], policy)[-1] == "bob"


def test_with_one_vote_of_one_each_look_is_the_verdict():
    policy = Policy(threshold=0.5, votes_needed=1, votes_of=1)
    assert named([ADA, None, BOB], policy) == ["ada", "unknown", "bob"]


def test_the_similarity_is_the_best_among_the_latest_looks_that_support_the_verdict():
    ballot = Ballot(POLICY)
    for identity, similarity in [(ADA, 0.99), (ADA, 0.6), (ADA, 0.8), (ADA, 0.7), (None, 0.95), (None, 0.2)]:
        ballot.add(look(identity, similarity))
    assert ballot.verdict() == Verdict("known", ADA, 0.8)


def test_the_similarity_of_an_unknown_is_the_best_of_its_looks():
    ballot = Ballot(POLICY)
    for similarity in [0.9, 0.1, 0.4, 0.2, 0.3, 0.0]:
        ballot.add(look(None, similarity))
    assert ballot.verdict() == Verdict("unknown", None, 0.4)


def slow_state(looks, policy):
    """Replay everything: who last had enough votes, and was there a supporting look in every window since?"""
    known = None
    for end in range(1, len(looks) + 1):
        window = looks[max(0, end - policy.votes_of) : end]
        for person in (ADA, BOB, CYD):
            if sum(one == person for one in window) >= policy.votes_needed:
                known = person
        if known is not None and not any(one == known for one in window):
            known = None
    if known is not None:
        return known.name
    return "unknown" if len(looks) >= policy.votes_of else "undecided"


@given(
    st.lists(st.sampled_from([ADA, ADA, BOB, CYD, None]), max_size=25),
    st.sampled_from([(3, 5), (1, 1), (4, 6)]),
)
def test_the_ballot_says_what_a_replay_of_all_looks_says(looks, votes):
    policy = Policy(threshold=0.5, votes_needed=votes[0], votes_of=votes[1])
    for end, found in enumerate(named(looks, policy), start=1):
        assert found == slow_state(looks[:end], policy)


def known(identity, similarity):
    return Verdict("known", identity, similarity)


UNKNOWN, UNDECIDED = Verdict("unknown", None, 0.3), Verdict("undecided", None, -1)


def test_of_two_faces_with_one_name_only_the_more_similar_bears_it():
    assert one_place_each([known(ADA, 0.6), known(ADA, 0.7)]) == [Verdict("undecided", None, 0.6), known(ADA, 0.7)]


def test_at_a_tie_the_first_bears_the_name():
    assert one_place_each([known(ADA, 0.6)] * 3) == [known(ADA, 0.6), *[Verdict("undecided", None, 0.6)] * 2]


def test_faces_with_names_of_their_own_and_nameless_ones_stay_as_they_are():
    verdicts = [known(ADA, 0.6), UNKNOWN, known(BOB, 0.9), UNKNOWN, UNDECIDED, UNDECIDED]
    assert one_place_each(verdicts) == verdicts
    assert one_place_each([]) == []


def test_two_people_of_one_name_may_both_be_there():
    verdicts = [known(ADA, 0.6), known(Identity(9, "ada"), 0.7)]
    assert one_place_each(verdicts) == verdicts


def slow_one_place_each(verdicts):
    """Compare every face with every other."""
    kept = []
    for place, one in enumerate(verdicts):
        rivals = [
            other.similarity > one.similarity or (other.similarity == one.similarity and before < place)
            for before, other in enumerate(verdicts)
            if before != place and one.identity is not None and other.identity == one.identity
        ]
        kept.append(Verdict("undecided", None, one.similarity) if any(rivals) else one)
    return kept


verdicts_of_a_frame = st.lists(
    st.one_of(
        st.builds(known, st.sampled_from([ADA, BOB]), st.sampled_from([-1.0, 0.5, 0.6, 0.7])),
        st.sampled_from([UNKNOWN, UNDECIDED]),
    ),
    max_size=8,
)


@given(verdicts_of_a_frame)
def test_who_bears_a_name_is_what_comparing_all_pairs_says(given_verdicts):
    assert one_place_each(given_verdicts) == slow_one_place_each(given_verdicts)


@pytest.mark.parametrize(
    ("before", "after", "moved", "who"),
    [
        (None, None, (), None),
        (ADA, None, (), ADA),
        (ADA, None, (ADA,), None),
        (ADA, ADA, (ADA,), ADA),
        (None, ADA, (ADA,), ADA),
        (BOB, ADA, (ADA,), None),
        (BOB, ADA, (ADA, BOB), ADA),
    ],
    ids=[
        "nobody",
        "who is not moved is named by the old model",
        "who is moved is not",
        "both agree",
        "who is moved is named by the new model",
        "each names somebody of its own",
        "of two who are moved the new model decides",
    ],
)
def test_between_two_models_each_person_is_decided_by_one(before, after, moved, who):
    match = settle(look(before, 0.7), look(after, 0.6), moved.__contains__)
    assert match.identity == who
    assert match.similarity == (0.6 if who and who in moved else 0.7)
