"""The bench of visits: its truth, its comparing, and where the film is at hand the film itself."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgeface import wiring
from edgeface.core.types import Frame
from edgeface.errors import ConfigError
from tests.bench.visits.play import newest
from tests.bench.visits.report import as_json, markdown
from tests.bench.visits.score import Arrival, Named, Told, score
from tests.bench.visits.truth import COLUMNS, Appearance, read_truth, visits_of

FOLDER = Path(__file__).parent / "bench" / "visits"
FILMS = Path(__file__).parents[2] / "shared" / "video"
CARRIED = (wiring.DEFAULT_BUNDLE / "model.json").is_file()
PATIENCE = 10.0
NOBODY = Told((), ())


def shown(person, start, end, pose="frontal", shot=1, left=0.0, right=0.5):
    return Appearance(shot, start, end, person, pose, left, right, 100)


def arrived(name, seconds, similarity=0.6):
    return Arrival(name, seconds, similarity)


def found(truth, *arrivals, named=()):
    return score(Told(arrivals, tuple(named)), truth, PATIENCE)


def spans(*truth):
    return [(visit.person, visit.start, visit.end) for visit in visits_of(truth, PATIENCE)]


def test_shots_that_follow_each_other_within_the_patience_are_one_visit():
    assert spans(shown("ada", 0, 4), shown("ada", 13.9, 15)) == [("ada", 0, 15)]


def test_after_the_patience_a_visit_is_another_one():
    assert spans(shown("ada", 0, 4), shown("ada", 14, 15)) == [("ada", 0, 4), ("ada", 14, 15)]


def test_each_person_has_visits_of_their_own_in_order_of_time():
    assert spans(shown("bo", 5, 9), shown("ada", 5, 6), shown("cy", 0, 1)) == [
        ("cy", 0, 1),
        ("ada", 5, 6),
        ("bo", 5, 9),
    ]


def test_a_long_appearance_is_not_cut_short_by_one_within_it():
    assert spans(shown("ada", 0, 20), shown("ada", 1, 2), shown("ada", 25, 26)) == [("ada", 0, 26)]


@pytest.mark.parametrize("pose", ["edge", "back"])
def test_who_shows_a_part_of_the_face_or_none_begins_no_visit_and_bridges_none(pose):
    assert spans(shown("ada", 0, 4), shown("ada", 4, 15, pose), shown("ada", 15, 16)) == [
        ("ada", 0, 4),
        ("ada", 15, 16),
    ]
    assert spans(shown("ada", 0, 4, pose)) == []


def test_a_visit_is_owed_when_the_face_is_ever_turned_to_the_camera():
    profile, both = shown("ada", 0, 1, "profile"), shown("ada", 1, 2, "three-quarter")
    assert [visit.is_owed for visit in visits_of([profile], PATIENCE)] == [False]
    assert [visit.is_owed for visit in visits_of([profile, both], PATIENCE)] == [True]


def test_a_visit_without_an_arrival_is_missed():
    truth = [shown("ada", 0, 4), shown("bo", 0, 4, "profile")]
    assert [visit.person for visit in found(truth).missed] == ["ada"]
    assert found(truth, arrived("ada", 3.9)).missed == ()


def test_a_name_of_somebody_who_is_elsewhere_is_wrong():
    truth = [shown("ada", 0, 4), shown("bo", 20, 24)]
    wrong = found(truth, arrived("ada", 4.0), arrived("bo", 1.0), arrived("dee", 1.0))
    assert [arrival.name for arrival in wrong.wrong_arrivals] == ["ada", "bo", "dee"]
    assert wrong.is_anybody_wrong
    assert len(wrong.missed) == 2


def test_where_nobody_is_enrolled_on_screen_every_name_is_wrong():
    assert found([], arrived("ada", 1.0)).is_anybody_wrong
    assert not found([], arrived(None, 1.0)).is_anybody_wrong


def test_strangers_are_counted_and_are_no_wrong_names():
    counted = found([shown("ada", 0, 4)], arrived(None, 1.0), arrived(None, 2.0))
    assert (counted.strangers, counted.wrong_arrivals) == (2, ())


def test_two_arrivals_in_one_visit_are_both_kept():
    [kept] = found([shown("ada", 0, 4)], arrived("ada", 1.0), arrived("ada", 3.0)).visits
    assert [arrival.seconds for arrival in kept.arrivals] == [1.0, 3.0]


def test_each_arrival_belongs_to_the_visit_at_its_time():
    first, second = found([shown("ada", 0, 4), shown("ada", 20, 24)], arrived("ada", 21.0)).visits
    assert (len(first.arrivals), len(second.arrivals)) == (0, 1)


def test_who_is_named_at_the_edge_just_before_a_visit_has_arrived_for_it():
    truth = [shown("ada", 0, 2, "edge"), shown("ada", 2, 4)]
    assert found(truth, arrived("ada", 1.0)).missed == ()
    far = [shown("ada", 0, 2, "edge"), shown("ada", 30, 34)]
    assert len(found(far, arrived("ada", 1.0)).missed) == 1
    assert not found(far, arrived("ada", 1.0)).is_anybody_wrong


def test_a_face_that_bears_a_name_must_be_in_that_persons_place():
    truth = [shown("ada", 0, 4, right=0.4), shown("bo", 0, 4, left=0.6, right=1.0)]
    right, swapped, late = Named("ada", 1, 0.6, 0.2), Named("ada", 1, 0.6, 0.8), Named("bo", 4, 0.6, 0.8)
    assert found(truth, named=[right]).wrong_faces == ()
    assert found(truth, named=[right, swapped, late]).wrong_faces == (swapped, late)


def test_a_shot_tells_since_when_a_face_was_named_in_it():
    truth = [shown("ada", 2, 4), shown("ada", 4, 6, shot=2)]
    one, other = found(truth, named=[Named("ada", 2.5, 0.6, 0.2), Named("ada", 2.6, 0.7, 0.2)]).shots
    assert [face.seconds for face in one.named] == [2.5, 2.6]
    assert (one.start, other.named) == (2, ())


def test_the_tables_say_what_was_missed_and_why():
    truth = [shown("ada", 0, 4), shown("bo", 0, 4, "profile"), shown("cy", 1, 4)]
    text = markdown(found(truth, arrived("cy", 1.5, 0.61), arrived("dee", 2.0, 0.5)))
    assert "| ada | 0.0 to 4.0 | frontal 4.0 s | **missed** |  |" in text
    assert "| bo | 0.0 to 4.0 | profile 4.0 s | missed: never faces the camera |  |" in text
    assert "| cy | 1.0 to 4.0 | frontal 3.0 s | 0.50 | 0.61 |" in text
    assert "Of 2 visits of people who face the camera 1 were told" in text
    assert "Arrivals under a wrong name: 1 (dee at 2.00 s, similarity 0.50)." in text


def test_the_json_says_the_same():
    told = as_json(found([shown("ada", 0, 4)], arrived("ada", 0.5), named=[Named("ada", 0.5, 0.6, 0.9)]))
    assert told["visits"][0]["arrivals"] == [{"name": "ada", "at": 0.5, "similarity": 0.6}]
    assert told["wrong_faces"] == [{"name": "ada", "at": 0.5, "middle": 0.9}]
    assert (told["missed"], told["strangers"], json.loads(json.dumps(told)) == told) == (0, 0, True)


def write(tmp_path, *lines):
    path = tmp_path / "truth.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_is_read_without_its_remarks(tmp_path):
    path = write(tmp_path, "# by eye", ",".join(COLUMNS), "", "3,1.5,2.5,ada,profile,0.1,0.2,80")
    assert read_truth(path) == [Appearance(3, 1.5, 2.5, "ada", "profile", 0.1, 0.2, 80)]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("1,0,1,ada,frontal,0,1", "line 2 has 7 columns, 8 are needed"),
        ("1,zero,1,ada,frontal,0,1,80", "line 2 holds no number"),
        ("1,0,1,ada,sideways,0,1,80", "line 2: pose is 'sideways'"),
        ("1,1,1,ada,frontal,0,1,80", "line 2: start must be before end"),
        ("1,0,1,ada,frontal,1,0,80", "left before right"),
        ("1,0,nan,ada,frontal,0,1,80", "start must be before end"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, line, complaint):
    with pytest.raises(ConfigError, match=complaint):
        read_truth(write(tmp_path, ",".join(COLUMNS), line))


def test_a_table_without_its_heading_or_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="has no heading"):
        read_truth(write(tmp_path, "1,0,1,ada,frontal,0,1,80"))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_truth(tmp_path / "none.csv")


def test_a_device_that_cannot_keep_up_takes_frames_to_a_steady_beat():
    frames = [Frame(np.zeros((1, 1, 3), np.uint8), 100 + number / 24) for number in range(48)]
    assert list(newest(iter(frames), np.inf)) == frames
    taken = [frame.seconds - 100 for frame in newest(iter(frames), 5.0)]
    assert taken == pytest.approx(np.arange(10) / 5, abs=0.042)


@pytest.mark.parametrize("film", ["six-friends", "strangers"])
def test_the_truth_of_the_films_can_be_read(film):
    truth = read_truth(FOLDER / f"{film}.csv")
    assert bool(truth) == (film == "six-friends")
    assert len({each.person for each in truth}) == (6 if truth else 0)


def bench(*arguments):
    command = [sys.executable, "-m", "tests.bench.visits", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])


def on_film(film):
    if not FILMS.is_dir():
        pytest.skip(f"the films are not at hand: {FILMS} is missing")
    if not CARRIED:
        pytest.skip("this checkout carries no trained bundle")
    people = FILMS / "six-friends"
    done = bench("--video", f"{FILMS / film}.mp4", "--people", people, "--truth", FOLDER / f"{film}.csv", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_wrong_input_is_one_error_with_its_exit_code(tmp_path):
    done = bench("--video", "none.mp4", "--people", tmp_path, "--truth", tmp_path / "none.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: truth ")


def test_friends_on_film_get_their_names_and_nobody_elses():
    told = on_film("six-friends")
    assert (told["wrong_arrivals"], told["wrong_faces"]) == ([], [])
    assert {visit["person"] for visit in told["visits"] if visit["arrivals"]} == {
        "chandler",
        "joey",
        "monica",
        "phoebe",
        "rachel",
        "ross",
    }
    assert all(len(visit["arrivals"]) <= 1 for visit in told["visits"])


def test_strangers_on_film_get_no_name():
    told = on_film("strangers")
    assert (told["wrong_arrivals"], told["wrong_faces"]) == ([], [])
    assert told["strangers"] > 0
