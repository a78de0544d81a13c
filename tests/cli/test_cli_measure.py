"""embed and evaluate lfw."""

import numpy as np
import pytest

from tests.fakes import BLUE, GREEN, MODEL, RED, Square


@pytest.fixture(autouse=True)
def world(painted):
    """All of it is painted."""


def test_photos_and_folders_are_embedded_under_their_names_as_given(cli, picture, tmp_path):
    picture("photos/ada/1.png", Square(RED))
    picture("photos/bo/1.png", Square(GREEN))
    picture("photos/none.png")
    picture("one.png", Square(BLUE))
    (tmp_path / "photos/notes.txt").write_text("no photo")
    ended = cli("embed", "./one.png", "photos/", "--out", "x.npz")
    assert (ended.code, ended.out) == (0, "x.npz: 3 vectors of 3 numbers, 1 photos left out\n")
    assert ended.err == "left out photos/none.png: no face found\n"
    with np.load(tmp_path / "x.npz") as content:
        assert content["names"].tolist() == ["./one.png", "photos/ada/1.png", "photos/bo/1.png"]
        assert content["vectors"].dtype == np.float32
        assert content["vectors"].argmax(axis=1).tolist() == [2, 0, 1]
        assert content["model"].item() == MODEL


def test_chips_are_taken_as_they_are(cli, tmp_path):
    import cv2

    chip = np.full((128, 128, 3), (40, 40, 220), np.uint8)
    (tmp_path / "chips").mkdir()
    cv2.imwrite(str(tmp_path / "chips/a.png"), chip)
    cv2.imwrite(str(tmp_path / "chips/b.png"), chip[:100])
    ended = cli("embed", "--chips", "chips", "--out", "x.npz")
    assert ended.code == 0
    assert "left out chips/b.png: 128x100 pixels" in ended.err


def test_without_any_face_no_file_is_written(cli, picture, tmp_path):
    ended = cli("embed", picture("none.png"), "--out", "x.npz")
    assert ended.code == 5
    assert not (tmp_path / "x.npz").exists()


@pytest.mark.parametrize("out", ["missing/x.npz", "."])
def test_an_impossible_output_is_refused_before_any_work(cli, picture, out):
    assert cli("embed", picture("red.png", Square(RED)), "--out", out).code == 2


def test_an_empty_folder_is_refused(cli, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "folder empty holds no photo" in cli("embed", "empty", "--out", "x.npz").err


@pytest.fixture
def faces_in_the_wild(picture, tmp_path):
    """Three people of two photos each, and two folds of pairs."""
    for name, colour in (("Ada", RED), ("Bo", GREEN), ("Cy", BLUE)):
        for number in (1, 2):
            # JPEG blurs the grain, not the colour.
            picture(f"lfw/{name}/{name}_{number:04}.jpg", Square(colour))
    fold = "Ada\t1\t2\nBo\t1\t2\nAda\t1\tBo\t1\nBo\t2\tCy\t1\n"
    (tmp_path / "pairs.txt").write_text("2\t2\n" + fold * 2)
    return "lfw", "--pairs", "pairs.txt"


def test_the_lfw_protocol_gives_accuracy_and_its_standard_error(cli, faces_in_the_wild):
    ended = cli("evaluate", "lfw", *faces_in_the_wild, "--json")
    assert ended.code == 0
    assert ended.objects == [{"accuracy": 1.0, "standard_error": 0.0, "pairs": 8, "pairs_without_a_face": 0}]
    assert cli("evaluate", "lfw", *faces_in_the_wild).out == (
        "accuracy 1.0000 ± 0.0000 (standard error) on 8 pairs, 0 of them without a face in a photo\n"
    )


def test_missing_photos_are_a_mistake_of_the_command_line(cli, tmp_path):
    (tmp_path / "pairs.txt").write_text("2\t1\nAda\t1\t2\nAda\t1\tBo\t1\n")
    ended = cli("evaluate", "lfw", ".", "--pairs", "pairs.txt")
    assert ended.code == 2
    assert "3 of 3 photos that the pairs name are missing" in ended.err
