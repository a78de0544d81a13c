"""Photos to vectors: which face, which name, and what is left out."""

from pathlib import Path

import numpy as np
import pytest

from edgeface.app.embed import aligned_chip, embed_photos, largest_face, save
from edgeface.errors import NoFaceFound, PoorPhoto
from tests.fakes import GREEN, MODEL, RED, ColourEmbedder, Square, SquareDetector, paint

PHOTOS = {
    "a": paint(Square(RED)),
    "b": paint(),
    "c": paint(Square(GREEN), Square(RED, left=400, size=60)),
}


def read(path):
    if str(path) == "broken":
        raise PoorPhoto("broken is damaged")
    return PHOTOS[str(path)]


def embedded(*names, **options):
    photos = [(name, Path(name)) for name in names]
    return embed_photos(photos, read=read, cut=largest_face(SquareDetector()), embedder=ColourEmbedder(), **options)


def test_the_largest_face_of_each_photo_is_embedded_and_the_rest_are_listed():
    done = []
    result = embedded("a", "b", "broken", "c", on_photo=done.append)
    assert result.names == ["a", "c"]
    assert result.vectors.shape == (2, 3)
    assert result.vectors[1].argmax() == 1  # green, the larger
    assert np.linalg.norm(result.vectors, axis=1) == pytest.approx(1)
    assert result.skipped == ["b: no face found", "broken is damaged"]
    assert done == [1, 2, 3, 4]


def test_nothing_to_embed_is_an_error_that_names_the_first_reason():
    with pytest.raises(NoFaceFound, match="none of 2 photos can be embedded; b: no face found"):
        embedded("b", "broken")


@pytest.mark.parametrize("size", [112, 128])
def test_of_an_aligned_chip_the_middle_is_taken(size):
    picture = np.zeros((size, size, 3), np.uint8)
    picture[size // 2, size // 2] = 255
    chip = aligned_chip(picture, "x")
    assert chip.shape == (112, 112, 3)
    assert chip[56, 56].tolist() == [255, 255, 255]


@pytest.mark.parametrize("shape", [(100, 100, 3), (128, 112, 3), (256, 256, 3)])
def test_a_picture_of_another_size_is_no_chip(shape):
    with pytest.raises(PoorPhoto, match=r"x: .* pixels, an aligned chip has 112x112 or 128x128"):
        aligned_chip(np.zeros(shape, np.uint8), "x")


def test_the_file_holds_names_vectors_and_the_model(tmp_path):
    path = tmp_path / "out.npz"
    save(path, embedded("a", "c"), MODEL)
    with np.load(path) as content:
        assert content["names"].tolist() == ["a", "c"]
        assert (content["vectors"].dtype, content["vectors"].shape) == (np.float32, (2, 3))
        assert content["model"].item() == MODEL
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.npz"]
