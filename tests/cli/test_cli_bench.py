"""bench, with the real detector and runtime on a photograph, and a tiny network."""

import json
from importlib.util import find_spec

import cv2
import numpy as np
import pytest

from edgeface.bench.peers import SIDES, ratio_of
from edgeface.config import load
from edgeface.drivers import face_recognition
from edgeface.errors import NoFaceFound
from tests.cli.test_cli_help import GOLDENS, compare, shape
from tests.cli.test_cli_real import TINY, portrait

__all__ = ["portrait"]

TO_THE_END = ("--seconds", "3600")
"""However slow the machine is that runs the tests."""


@pytest.fixture
def clip(astronaut, tmp_path):
    """Write a folder of pictures of one person."""
    (tmp_path / "clip").mkdir()
    for number in range(8):
        picture = np.ascontiguousarray(astronaut[:, :, ::-1])
        assert cv2.imwrite(str(tmp_path / f"clip/{number}.png"), picture)
    return "clip"


def test_every_stage_is_measured_and_a_fresh_process_recognises_somebody(cli, clip):
    ended = cli("bench", clip, *TO_THE_END, "--people", "20", "--model", TINY, "--json")
    assert ended.code == 0, ended.err
    [report] = ended.objects
    assert (report["source"], report["width"], report["height"], report["people"]) == ("clip", 512, 512, 20)
    assert (report["measured"]["frames"], report["measured"]["named"]) == (3, 3)
    times = {time["stage"]: time for time in report["measured"]["stages"]}
    assert 0 < times["detect"]["mean_ms"] < times["frame"]["mean_ms"]
    assert times["embed"]["frames"] == 3  # the pictures of a folder are a second apart
    assert report["fresh"]["first_seconds"] > 0
    del report["measured"]["stages"][1:]
    kinds = json.dumps(shape({**report, "board": dict.fromkeys(report["board"], "as far as it is known")}))
    compare(GOLDENS / "json-bench.txt", f"$ edgeface bench clip --people 20 --json\n{kinds}\n")


def test_the_table_is_for_people(cli, clip):
    said = cli("bench", "stages", clip, *TO_THE_END, "--people", "2", "--model", TINY).out.splitlines()
    assert "clip, 512x512, 2 enrolled, int8, 2 threads" in said
    assert any(line.startswith("detect ") for line in said)
    assert said[-1].startswith("fresh process: ")


def test_a_source_without_a_face_is_refused(cli, tmp_path):
    (tmp_path / "wall").mkdir()
    assert cv2.imwrite(str(tmp_path / "wall/1.png"), np.full((200, 200, 3), 90, np.uint8))
    ended = cli("bench", "wall", "--model", TINY)
    assert ended.code == 5
    assert "no face that is good enough in the first seconds of wall" in ended.err


def test_a_source_that_is_too_short_is_refused(cli, clip, tmp_path):
    for number in range(5, 8):
        (tmp_path / f"clip/{number}.png").unlink()
    ended = cli("bench", clip, *TO_THE_END, "--model", TINY)
    assert ended.code == 3
    assert "too short to measure: 5 frames are too few" in ended.err


def test_a_word_that_is_no_command_is_a_source(cli):
    ended = cli("bench", "modles", "--model", TINY)
    assert ended.code == 3
    assert "no camera, video or folder is called 'modles'" in ended.err


def test_every_file_of_the_bundle_is_timed_on_every_number_of_threads(cli):
    ended = cli("bench", "models", "--threads", "1", "--threads", "2", "--seconds", "1", "--model", TINY, "--json")
    assert ended.code == 0, ended.err
    [report] = ended.objects
    tried = [(each["candidate"]["variant"], each["candidate"]["threads"]) for each in report["timed"]]
    assert tried == [(variant, threads) for variant in ("float16", "float32", "int8") for threads in (1, 2)]
    assert report["fastest"] in report["timed"]
    assert (report["refused"], report["gallery"]) == ([], None)


def test_the_fastest_is_written_where_run_reads_it(cli, tmp_path):
    written = cli("bench", "models", "--threads", "1", "--seconds", "1", "--model", TINY, "--write")
    assert written.code == 0, written.err
    path = tmp_path / "home/.config/edgeface/config.toml"
    assert f"wrote recognition.variant and recognition.threads to {path}" in written.err
    recognition = load([path]).recognition
    [marked] = [line.split() for line in written.out.splitlines() if line.endswith("fastest")]
    assert [recognition.variant, str(recognition.threads)] == marked[:2]


def test_the_file_of_config_is_written_if_one_is_given(cli, tmp_path):
    (tmp_path / "mine.toml").write_text("# mine\n[recognition]\nthreads = 7 # many\n")
    options = ("--threads", "1", "--seconds", "1", "--model", TINY, "--write")
    assert cli("--config", "mine.toml", "bench", "models", *options).code == 0
    assert "threads = 1 # many" in (tmp_path / "mine.toml").read_text()
    assert not (tmp_path / "home/.config").exists()


def test_the_file_that_enrolled_people_stays(cli, portrait):
    photo = portrait("a.png")
    assert cli("enroll", "--name", "eileen", photo, "--model", TINY, "-o", "recognition.variant=float16").code == 0
    ended = cli("bench", "models", "--threads", "1", "--seconds", "1", "--model", TINY, "--json")
    [report] = ended.objects
    assert report["gallery"] == report["fastest"]["candidate"]["variant"] == "float16"


def test_a_file_without_a_threshold_is_refused_with_the_reason(cli):
    ended = cli("bench", "models", "--threads", "1", "--model", TINY, "-o", "recognition.far=0.5", "--seconds", "1")
    assert ended.code == 4
    assert ended.out.count("refused: ") == 3
    assert "no file of the bundle can be used here" in ended.err


def test_without_dlib_it_says_what_to_install(cli, monkeypatch):
    monkeypatch.setattr(face_recognition, "find_spec", lambda name: None)
    ended = cli("bench", "peers")
    assert ended.code == 6
    assert "dlib is not installed" in ended.err
    assert "pip install 'edgeface[peers]'" in ended.err


def side(name, fps, cpu_fps, embed):
    stages = [{"stage": "embed", "cpu_p50_ms": embed}] if embed else []
    return {"side": name, "fps": fps, "cpu_fps": cpu_fps, "stages": stages}


def test_the_ratio_is_of_both_as_they_come_and_of_embedding_every_face():
    speeds = [(40.0, 50.0, None), (30.0, 30.0, 5.0), (4.0, 5.0, 90.0), (8.0, 9.0, 90.0)]
    sides = [side(name, *speed) for name, speed in zip(SIDES, speeds, strict=True)]
    ratio = ratio_of(sides)
    assert (ratio.fps, ratio.cpu_fps, ratio.embed_cpu) == (10.0, 10.0, 18.0)
    with pytest.raises(NoFaceFound, match="face_recognition embedded no face"):
        ratio_of([*sides[:2], side(SIDES[2], 4.0, 5.0, None), sides[3]])


@pytest.mark.skipif(
    not (find_spec("dlib") and find_spec("face_recognition_models")), reason="dlib belongs to the extra peers"
)
def test_both_do_the_same_job_on_the_same_frames(cli, clip):
    ended = cli("bench", "peers", clip, "--frames", "10", "--people", "3", "--model", TINY, "--json")
    assert ended.code == 0, ended.err
    [report] = ended.objects
    assert [found["side"] for found in report["sides"]] == list(SIDES)
    assert [(found["frames"], found["named"]) for found in report["sides"]] == [(3, 3)] * 4
    assert set(report["ratio"]) == {"fps", "cpu_fps", "embed_cpu"}
