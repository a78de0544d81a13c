"""The LFW protocol on painted people: reading its files, its folds, and what an undetected face costs."""

import numpy as np
import pytest

from edgeface.app.lfw import central_face, evaluate, photo_path, photos_of, read_pairs
from edgeface.errors import ConfigError, PoorPhoto
from tests.fakes import BLUE, GREEN, RED, YELLOW, ColourEmbedder, Square, SquareDetector, paint

COLOURS = {"Ada": RED, "Bo": GREEN, "Cy": BLUE, "Di": YELLOW}


def pairs_file(tmp_path, header="2\t3", folds=2):
    lines = [header] if header else []
    for _ in range(folds):
        lines += ["Ada\t1\t2", "Bo\t1\t2", "Cy\t1\t2", "Ada\t1\tBo\t1", "Bo\t2\tCy\t1", "Cy\t2\tDi\t1"]
    path = tmp_path / "pairs.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


class Photographs:
    """Two photos of each person, read from memory but present as files."""

    def __init__(self, folder, without_face=()):
        self.reads = []
        self.pictures = {}
        for name, colour in COLOURS.items():
            for number in (1, 2):
                path = photo_path(folder, name, number)
                path.parent.mkdir(exist_ok=True)
                path.touch()
                hidden = (name, number) in without_face
                self.pictures[path] = paint() if hidden else paint(Square(colour))

    def __call__(self, path):
        self.reads.append(path)
        picture = self.pictures[path]
        if picture is None:
            raise PoorPhoto(f"{path} is damaged")
        return picture


def measured(tmp_path, photographs, pairs):
    return evaluate(tmp_path, pairs, read=photographs, detector=SquareDetector(), embedder=ColourEmbedder())


def test_both_kinds_of_lines_are_read_fold_by_fold(tmp_path):
    pairs = read_pairs(pairs_file(tmp_path))
    assert len(pairs) == 12
    assert pairs[0].first == ("Ada", 1)
    assert pairs[0].second == ("Ada", 2)
    assert [pair.same for pair in pairs[:6]] == [True] * 3 + [False] * 3
    assert [pair.fold for pair in pairs] == [0] * 6 + [1] * 6


def test_without_a_header_there_are_ten_folds(tmp_path):
    pairs = read_pairs(pairs_file(tmp_path, header="", folds=10))
    assert len(pairs) == 60
    assert [pair.fold for pair in pairs] == [fold for fold in range(10) for _ in range(6)]


@pytest.mark.parametrize("line", ["Ada 1", "Ada one 2", "Ada 1 Bo two", "a b c d e"])
def test_a_line_that_is_no_pair_is_named_with_its_number(tmp_path, line):
    path = pairs_file(tmp_path)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ConfigError, match="line 14"):
        read_pairs(path)


@pytest.mark.parametrize("content", ["", "10\t300\n", "10\t300\nAda\t1\t2\n"])
def test_too_few_pairs_are_refused(tmp_path, content):
    path = tmp_path / "pairs.txt"
    path.write_text(content)
    with pytest.raises(ConfigError, match="too few for 10 folds"):
        read_pairs(path)


def test_a_missing_pairs_file_is_an_error_of_the_command_line(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_pairs(tmp_path / "none.txt")


def test_people_painted_apart_are_told_apart_and_each_photo_is_read_once(tmp_path):
    photographs = Photographs(tmp_path)
    result = measured(tmp_path, photographs, read_pairs(pairs_file(tmp_path)))
    assert (result.accuracy, result.standard_error) == (1, 0)
    assert (result.pairs, result.pairs_without_a_face) == (12, 0)
    assert len(photographs.reads) == len(set(photographs.reads)) == 7


@pytest.mark.parametrize(("hidden", "failed"), [(("Ada", 2), 1), (("Di", 1), 1), (("Bo", 2), 2)])
def test_a_pair_with_an_undetected_face_is_an_error(tmp_path, hidden, failed):
    photographs = Photographs(tmp_path, without_face=[hidden])
    result = measured(tmp_path, photographs, read_pairs(pairs_file(tmp_path)))
    assert result.pairs_without_a_face == 2 * failed
    assert result.accuracy == pytest.approx(1 - failed / 6)


def test_a_photo_that_cannot_be_read_counts_like_one_without_a_face(tmp_path):
    photographs = Photographs(tmp_path)
    photographs.pictures[photo_path(tmp_path, "Di", 1)] = None
    assert measured(tmp_path, photographs, read_pairs(pairs_file(tmp_path))).pairs_without_a_face == 2


def test_photos_that_are_not_there_are_named_before_any_work(tmp_path):
    pairs = read_pairs(pairs_file(tmp_path))
    with pytest.raises(ConfigError, match=r"7 of 7 photos .* first .*Ada_0001\.jpg"):
        evaluate(tmp_path, pairs, read=None, detector=SquareDetector(), embedder=ColourEmbedder())
    assert len(photos_of(pairs)) == 7


def test_of_several_faces_the_one_nearest_to_the_centre_counts():
    image = paint(
        Square(RED, left=10, top=10, size=160),
        Square(GREEN, left=290, top=150, size=60),
        width=640,
        height=360,
    )
    face = central_face(SquareDetector().detect(image), image)
    assert face.box.left == 290
    assert np.isfinite(face.landmarks).all()
