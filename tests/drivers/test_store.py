"""The gallery keeps people under their names, finds the nearest of them, and never mixes models."""

from pathlib import Path

import numpy as np
import pytest

from edgeface.core.types import Embedding, Identity
from edgeface.drivers.store import Gallery
from edgeface.errors import ConfigError, EmbeddingMismatch, StoreError
from tests.drivers.stored import MODEL, OTHER_MODEL, SIZE, all_bytes, in_a_child, looks


def test_an_empty_gallery_knows_nobody(gallery: Gallery) -> None:
    assert gallery.people() == []
    assert gallery.templates() == []
    assert gallery.nearest(looks(0)[0], 5) == []


def test_the_enrolled_are_still_there_after_reopening(path: Path) -> None:
    with Gallery(path, MODEL, clock=lambda: 1000.0) as gallery:
        ada = gallery.add("Ada", looks(0, 1), source="ada.jpg")
    with Gallery(path, MODEL, read_only=True) as gallery:
        (person,) = gallery.people()
        assert (person.identity, person.looks, person.enrolled, person.model) == (ada, 2, 1000.0, MODEL)
        first, second = gallery.templates()
        assert (first.identity, first.source, first.created) == (ada, "ada.jpg", 1000.0)
        assert second.embedding.vector.tolist() == np.eye(SIZE)[1].tolist()
        assert second.embedding.vector.dtype == np.float32


def test_the_nearest_is_each_person_s_best_look(gallery: Gallery) -> None:
    random = np.random.default_rng(3)
    vectors = random.normal(size=(40, SIZE)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    owners = random.integers(0, 6, 40)
    for vector, owner in zip(vectors, owners, strict=True):
        gallery.add(f"person {owner}", [Embedding(vector, MODEL)])
    query = vectors[0]
    oracle = {
        f"person {owner}": max(float(v @ query) for v, o in zip(vectors, owners, strict=True) if o == owner)
        for owner in set(owners.tolist())
    }
    expected = sorted(oracle.items(), key=lambda pair: -pair[1])
    found = gallery.nearest(Embedding(query, MODEL), 10)
    assert [identity.name for identity, _ in found] == [name for name, _ in expected]
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-6)
    assert gallery.nearest(Embedding(query, MODEL), 2) == found[:2]
    assert gallery.nearest(Embedding(query, MODEL), 0) == []


def test_another_photo_adds_to_the_same_person(gallery: Gallery) -> None:
    first = gallery.add("Ada", looks(0))
    assert gallery.add("  Ada ", looks(1)) == first
    assert [person.looks for person in gallery.people()] == [2]


def test_names_differ_by_case_and_are_listed_in_order(gallery: Gallery) -> None:
    for row, name in enumerate(["bob", "Ada", "ada", "Zoë"]):
        gallery.add(name, looks(row))
    assert [person.identity.name for person in gallery.people()] == ["Ada", "ada", "bob", "Zoë"]


def test_an_impossible_name_is_refused_and_stores_nothing(gallery: Gallery) -> None:
    with pytest.raises(ConfigError):
        gallery.add("\n", looks(0))
    assert gallery.people() == []


def test_forgetting_removes_a_person_and_reports_the_looks(gallery: Gallery) -> None:
    gallery.add("Ada", looks(0, 1, 2))
    gallery.add("Bob", looks(3))
    assert gallery.forget("Ada") == 3
    assert [identity.name for identity, _ in gallery.nearest(looks(0)[0], 5)] == ["Bob"]


def test_a_forgotten_vector_is_nowhere_in_the_files(gallery: Gallery, path: Path) -> None:
    marked = np.frombuffer(b"find this vector" * 2, np.float32)
    gallery.add("Ada", [Embedding(marked, MODEL)])
    assert b"find this vector" in all_bytes(path.parent)
    gallery.forget("Ada")
    assert b"find this vector" not in all_bytes(path.parent)


def test_an_id_is_never_given_to_another_person(gallery: Gallery) -> None:
    first = gallery.add("Ada", looks(0))
    gallery.forget("Ada")
    assert gallery.add("Bob", looks(0)).id > first.id


def test_forgetting_a_stranger_suggests_whom_was_meant(gallery: Gallery) -> None:
    gallery.add("Ada Lovelace", looks(0))
    with pytest.raises(StoreError, match="nobody called 'ada lovelac'") as caught:
        gallery.forget("ada lovelac")
    assert caught.value.hint == "did you mean 'Ada Lovelace'?"
    with pytest.raises(StoreError) as caught:
        gallery.forget("Grace")
    assert "edgeface list" in caught.value.hint


def test_only_the_owner_may_read_the_files(gallery: Gallery, path: Path) -> None:
    gallery.add("Ada", looks(0))
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert set(modes) >= {"gallery.db", "gallery.db-wal"}
    assert set(modes.values()) == {0o600}


def test_missing_folders_are_made_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "edge face?#%" / "gallery.db"
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", looks(0))
    assert path.is_file()
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_the_repr_says_open_or_closed_and_closing_twice_is_fine(path: Path) -> None:
    gallery = Gallery(path, MODEL)
    assert repr(gallery).endswith("open)")
    gallery.close()
    gallery.close()
    assert repr(gallery).endswith("closed)")
    with pytest.raises(ValueError, match="was closed"):
        gallery.people()


def test_a_writable_gallery_passes_the_check(gallery: Gallery) -> None:
    gallery.check_writable()


def test_an_embedding_is_needed(gallery: Gallery) -> None:
    with pytest.raises(ValueError, match="no embedding"):
        gallery.add("Ada", [])


# No file before somebody is in it.


def test_who_only_looks_makes_no_file(path: Path) -> None:
    with Gallery(path, MODEL) as gallery:
        assert gallery.people() == []
        assert gallery.nearest(looks(0)[0], 1) == []
        with pytest.raises(StoreError, match="nobody called"):
            gallery.forget("Ada")
        gallery.check_writable()
    assert list(path.parent.iterdir()) == []


def test_a_refused_first_enrolment_leaves_no_file(path: Path) -> None:
    for refused in (
        looks(0, model=OTHER_MODEL),
        [Embedding(np.full(SIZE, np.nan, np.float32), MODEL)],
        [*looks(0), *looks(0, size=4)],
    ):
        with Gallery(path, MODEL) as gallery, pytest.raises(EmbeddingMismatch):
            gallery.add("Ada", refused)
    assert list(path.parent.iterdir()) == []


def test_a_gallery_that_another_process_makes_meanwhile_is_found(path: Path) -> None:
    with Gallery(path, MODEL) as early, Gallery(path, MODEL) as second:
        assert early.nearest(looks(0)[0], 1) == []
        assert in_a_child(path, "gallery.add('Ada', [Embedding(vectors[0], model)])").returncode == 0
        assert early.nearest(looks(0)[0], 1) == [(Identity(1, "Ada"), 1.0)]
        second.add("Bob", looks(1))
        assert [person.identity.name for person in early.people()] == ["Ada", "Bob"]


# Models are never mixed.


def test_a_gallery_of_another_model_is_listed_but_not_searched(path: Path) -> None:
    with Gallery(path, OTHER_MODEL) as gallery:
        gallery.add("Ada", looks(0, model=OTHER_MODEL))
    with Gallery(path, MODEL) as gallery:
        assert [person.model for person in gallery.people()] == [OTHER_MODEL]
        for refused in (lambda: gallery.nearest(looks(0)[0], 1), lambda: gallery.add("Bob", looks(0))):
            with pytest.raises(EmbeddingMismatch, match=r"made with model cdcd\S+, this one is abab") as caught:
                refused()
            assert "--model" in caught.value.hint
        assert gallery.forget("Ada") == 1
        gallery.add("Ada", looks(0))


def test_a_vector_of_another_model_is_refused_even_by_an_empty_gallery(gallery: Gallery) -> None:
    with pytest.raises(EmbeddingMismatch, match="opened for model"):
        gallery.nearest(looks(0, model=OTHER_MODEL)[0], 1)


def test_a_vector_of_another_size_or_with_holes_is_refused(gallery: Gallery) -> None:
    gallery.add("Ada", looks(0))
    with pytest.raises(EmbeddingMismatch, match="must be 8 finite values"):
        gallery.nearest(looks(0, size=4)[0], 1)
    with pytest.raises(EmbeddingMismatch, match="finite"):
        gallery.add("Bob", [*looks(0), Embedding(np.full(SIZE, np.nan, np.float32), MODEL)])
    assert [person.identity.name for person in gallery.people()] == ["Ada"]
