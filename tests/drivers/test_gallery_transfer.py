"""People move to another device in a sealed file; a hostile file changes nothing and is one clear line."""

import base64
import copy
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeface.core.names import MAX_NAME
from edgeface.core.types import Embedding
from edgeface.drivers import gallery_transfer, parcel, sealed
from edgeface.drivers.gallery_transfer import export_people, import_people
from edgeface.drivers.sealed import seal, unseal
from edgeface.drivers.store import Gallery
from edgeface.errors import ConfigError, EmbeddingMismatch, StoreError

pytest.importorskip("cryptography", reason="the extra secure is not installed")

MODEL, OTHER_MODEL = "ab" * 32, "cd" * 32
WORDS = "correct horse battery staple"


@pytest.fixture(autouse=True)
def cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests need no protection; one below asserts the real cost."""
    monkeypatch.setattr(sealed, "COST", 2)


def looks(*rows: int, model: str = MODEL, size: int = 8) -> list[Embedding]:
    return [Embedding(np.eye(size, dtype=np.float32)[row], model) for row in rows]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with two looks of Ada and one of Zoë."""
    path = tmp_path / "family.people"
    with Gallery(tmp_path / "from.db", MODEL, clock=lambda: 1000.0) as gallery:
        gallery.add("Ada", looks(0, 1), source="photo")
        gallery.add("Zoë", looks(2), source="camera")
        assert export_people(gallery, path, WORDS) == (2, 3)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "to.db"


def bring_in(file: Path, path: Path, rule: Any = "skip", model: str = MODEL) -> list[tuple[str | None, str]]:
    return [(person.stored_as, person.action) for person in import_people(file, WORDS, path, model=model, rule=rule)]


def test_people_arrive_with_all_that_was_known_of_them(file: Path, path: Path, tmp_path: Path) -> None:
    assert bring_in(file, path) == [("Ada", "added"), ("Zoë", "added")]
    with Gallery(tmp_path / "from.db", MODEL) as sent, Gallery(path, MODEL) as arrived:
        for old, new in zip(sent.templates(), arrived.templates(), strict=True):
            assert (old.identity.name, old.source, old.created) == (new.identity.name, new.source, new.created)
            assert old.embedding.vector.tobytes() == new.embedding.vector.tobytes()
            assert new.embedding.model == MODEL
        assert [person.enrolled for person in arrived.people()] == [1000.0, 1000.0]


def test_only_the_named_go_along(tmp_path: Path, file: Path, path: Path) -> None:
    one = tmp_path / "one.people"
    with Gallery(tmp_path / "from.db", MODEL) as gallery:
        assert export_people(gallery, one, WORDS, ["Zoë", " Zoë "]) == (1, 1)
        with pytest.raises(StoreError, match="nobody called 'Zoe'") as caught:
            export_people(gallery, tmp_path / "none.people", WORDS, ["Zoe"])
        assert caught.value.hint == "did you mean 'Zoë'?"
    assert not (tmp_path / "none.people").exists()
    assert bring_in(one, path) == [("Zoë", "added")]


def test_an_empty_gallery_is_not_exported(tmp_path: Path) -> None:
    with Gallery(tmp_path / "empty.db", MODEL) as gallery, pytest.raises(StoreError, match="nobody is in the gallery"):
        export_people(gallery, tmp_path / "x.people", WORDS)


@pytest.mark.parametrize(
    ("rule", "outcome", "kept"),
    [
        ("skip", (None, "skipped"), {"Ada": [5], "Zoë": [2]}),
        ("rename", ("Ada (3)", "renamed"), {"Ada": [5], "Ada (2)": [6], "Ada (3)": [0, 1], "Zoë": [2]}),
        ("replace", ("Ada", "replaced"), {"Ada": [0, 1], "Zoë": [2]}),
    ],
)
def test_a_name_that_is_there_already_follows_the_rule(
    file: Path, path: Path, rule: str, outcome: tuple[str | None, str], kept: dict[str, list[int]]
) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Ada", looks(5))
        if rule == "rename":
            gallery.add("Ada (2)", looks(6))
    assert bring_in(file, path, rule) == [outcome, ("Zoë", "added")]
    with Gallery(path, MODEL) as gallery:
        found: dict[str, list[int]] = {}
        for template in gallery.templates():
            found.setdefault(template.identity.name, []).append(int(template.embedding.vector.argmax()))
    assert found == kept


def test_a_longest_name_is_renamed_within_its_length(tmp_path: Path, path: Path) -> None:
    name = "x" * MAX_NAME
    with Gallery(path, MODEL) as gallery:
        gallery.add(name, looks(0))
        export_people(gallery, tmp_path / "x.people", WORDS)
    assert bring_in(tmp_path / "x.people", path, "rename") == [("x" * (MAX_NAME - 4) + " (2)", "renamed")]


def test_looks_of_another_model_are_refused_with_what_to_do_and_no_gallery_is_made(file: Path, path: Path) -> None:
    with pytest.raises(
        EmbeddingMismatch, match="made with model abababababab…, this device uses cdcdcdcdcdcd…"
    ) as caught:
        bring_in(file, path, model=OTHER_MODEL)
    assert "--model" in caught.value.hint and "enrol these people again" in caught.value.hint
    assert not path.exists()


def test_a_gallery_of_another_model_or_size_stays_as_it_is(file: Path, path: Path, tmp_path: Path) -> None:
    for place, others, message in (
        (path, looks(0, model=OTHER_MODEL), "was made with model"),
        (tmp_path / "short.db", looks(0, size=4), "has vectors of 4 values, the file of 8"),
    ):
        with Gallery(place, others[0].model) as gallery:
            gallery.add("Bob", others)
        with pytest.raises(EmbeddingMismatch, match=message):
            bring_in(file, place)
        with Gallery(place, MODEL) as gallery:
            assert [person.identity.name for person in gallery.people()] == ["Bob"]


# The seal.


def test_a_sealed_file_is_private_and_shows_nothing(file: Path) -> None:
    content = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    for secret in (b"Ada", MODEL.encode(), b"people", np.eye(8, dtype="<f4")[0].tobytes()):
        assert secret not in content


def test_the_same_content_is_never_sealed_the_same_twice(tmp_path: Path) -> None:
    for name in ("a", "b"):
        seal(tmp_path / name, b"content", WORDS)
    first, second = (tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()
    start = len(sealed.MAGIC)
    assert first[start : start + 28] != second[start : start + 28]
    assert first[start + 28 :] != second[start + 28 :]


def test_the_format_is_aes_256_gcm_under_scrypt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    monkeypatch.undo()
    assert (sealed.COST, sealed.BLOCK, sealed.LANES) == (2**15, 8, 3)
    seal(tmp_path / "x", b"content", "Zoë's twelve")
    content = (tmp_path / "x").read_bytes()
    head, nonce, rest = content[:34], content[34:46], content[46:]
    passphrase = "Zoë's twelve".encode()
    key = hashlib.scrypt(passphrase, salt=head[18:], n=2**15, r=8, p=3, dklen=32, maxmem=1 << 26)
    assert head.startswith(b"edgeface sealed 1\n")
    assert AESGCM(key).decrypt(nonce, rest, head) == b"content"
    assert unseal(tmp_path / "x", "Zoe\u0308's twelve") == b"content"


def test_another_passphrase_does_not_open_it(file: Path, path: Path) -> None:
    with pytest.raises(StoreError, match="the passphrase is another one, or the file was changed"):
        import_people(file, WORDS + "!", path, model=MODEL, rule="skip")
    assert not path.exists()


def test_a_weak_passphrase_and_a_file_that_exists_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has 11 characters, at least 12"):
        seal(tmp_path / "x", b"content", "x" * 11)
    assert not (tmp_path / "x").exists()
    seal(tmp_path / "x", b"content", WORDS)
    with pytest.raises(StoreError, match="exists already"):
        seal(tmp_path / "x", b"other", WORDS)
    assert unseal(tmp_path / "x", WORDS) == b"content"
    with pytest.raises(StoreError, match="cannot be written: No such file"):
        seal(tmp_path / "nowhere" / "x", b"content", WORDS)


@pytest.mark.parametrize("place", ["head", "salt", "nonce", "middle", "tag"])
def test_a_changed_bit_is_seen(file: Path, path: Path, place: str) -> None:
    content = bytearray(file.read_bytes())
    content[{"head": 16, "salt": 20, "nonce": 40, "middle": 200, "tag": -1}[place]] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreError):
        bring_in(file, path)
    assert not path.exists()


@pytest.mark.parametrize("length", [0, 1, 17, 18, 34, 46, 61, 62, 200])
def test_a_file_cut_short_is_seen(file: Path, path: Path, length: int) -> None:
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(StoreError, match=r"is not a file of people|does not open"):
        bring_in(file, path)


def test_a_folder_a_missing_and_an_endless_file_are_named(tmp_path: Path, path: Path) -> None:
    huge = tmp_path / "huge"
    with huge.open("wb") as stream:
        stream.truncate(sealed.MOST_BYTES + 2048)
    for file, message in (
        (tmp_path, "is not a file of people"),
        (Path("/dev/zero"), "is not a file of people"),
        (tmp_path / "nowhere", "cannot be read: No such file"),
        (tmp_path / "a\0b", "cannot be read: .*embedded null"),
        (huge, "is larger than 64 MiB"),
    ):
        with pytest.raises(StoreError, match=message):
            bring_in(file, path)


# What is inside, from somebody who knows the passphrase.


def table() -> dict[str, Any]:
    vector = base64.b64encode(np.eye(8, dtype="<f4")[0].tobytes()).decode()
    look = {"vector": vector, "source": "photo", "created": 1000.0}
    person = {"name": "Ada", "enrolled": 1000.0, "looks": [look]}
    return {"format": 1, "model": MODEL, "people": [person, copy.deepcopy(person) | {"name": "Bob"}]}


def changed(*keys: Any, to: Any) -> Callable[[], Any]:
    def make() -> Any:
        content = table()
        inner = content
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = to
        return content

    return make


def of_vector(*values: float) -> str:
    return base64.b64encode(np.array(values, "<f4").tobytes()).decode()


LOOK = ("people", 1, "looks", 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: [], "no JSON object"),
        (changed("format", to=2), "has format 2, this edgeface reads 1"),
        (changed("format", to=True), "format must be int"),
        (changed("model", to="../../etc"), "model is not a SHA-256"),
        (changed("model", to=None), "model must be str"),
        (changed("people", to=[]), "0 people, 1 to 10000 are allowed"),
        (changed("people", to={}), "people must be"),
        (changed("people", 1, to="Bob"), "people.1 must be"),
        (changed("people", 1, "name", to="Ada"), "the name 'Ada' is impossible or comes twice"),
        (changed("people", 1, "name", to=""), "people.1: the name '' is impossible"),
        (changed("people", 1, "name", to=" Bob"), "people.1: the name ' Bob' is impossible"),
        (changed("people", 1, "name", to="\u202ebob"), "impossible"),
        (changed("people", 1, "name", to="b\0b"), "null character"),
        (changed("people", 1, "name", to="x" * 5000), "impossible"),
        (changed("people", 1, "admin", to=True), "unknown setting people.1.admin"),
        (changed("people", 1, "looks", to=[]), "people.1: 0 looks, 1 to 1000 are allowed"),
        (changed("people", 1, "looks", to=table()["people"][0]["looks"] * 1001), "people.1: 1001 looks"),
        (changed("people", 1, "enrolled", to=-1.0), "enrolled is no time"),
        (changed("people", 1, "enrolled", to=1e300), "enrolled is no time"),
        (changed("people", 1, "enrolled", to="now"), "enrolled must be float"),
        (changed(*LOOK, "created", to=float("nan")), "created must be float"),
        (changed(*LOOK, "created", to=float("inf")), "created must be float"),
        (changed(*LOOK, "source", to="x" * 1001), "source has 1001 characters"),
        (changed(*LOOK, "vector", to="not base64!"), "people.1: a vector is not base64"),
        (changed(*LOOK, "vector", to="é"), "a vector is not base64"),
        (changed(*LOOK, "vector", to=""), "a vector has 0 bytes"),
        (changed(*LOOK, "vector", to="AAAA"), "a vector has 3 bytes"),
        (changed(*LOOK, "vector", to=of_vector(*[0.0] * 5000)), "a vector has 20000 bytes"),
        (changed(*LOOK, "vector", to=of_vector(*[0.0] * 8)), "not of unit length"),
        (changed(*LOOK, "vector", to=of_vector(float("nan"), *[0.0] * 7)), "not of unit length"),
        (changed(*LOOK, "vector", to="AACgf" + "A" * 38 + "="), "not of unit length"),  # a signalling NaN
        (changed(*LOOK, "vector", to=of_vector(3e38, 3e38)), "not of unit length"),
        (changed(*LOOK, "vector", to=of_vector(1, 0)), r"differ in size: \[2, 8\]"),
    ],
)
def test_a_hostile_content_is_refused_whole(
    tmp_path: Path, path: Path, content: Callable[[], Any], message: str
) -> None:
    hostile = tmp_path / "hostile.people"
    seal(hostile, json.dumps(content()).encode(), WORDS)
    with pytest.raises(StoreError, match=message) as caught:
        bring_in(hostile, path)
    assert "hostile.people" in str(caught.value)
    assert len(str(caught.value)) < 500 and "\n" not in str(caught.value)
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000, b'{"format": 1' + b"0" * 9000 + b"}", b"{"])
def test_what_is_no_json_is_refused(tmp_path: Path, path: Path, content: bytes) -> None:
    hostile = tmp_path / "hostile.people"
    seal(hostile, content, WORDS)
    with pytest.raises(StoreError, match=r"hostile\.people"):
        bring_in(hostile, path)


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from([("format",), ("model",), ("people",), ("people", 0), ("people", 0, "name"), LOOK[:3], LOOK]),
    NESTED,
)
@settings(max_examples=150, deadline=None)
def test_whatever_stands_anywhere_is_read_or_refused_in_our_words(keys: tuple[Any, ...], value: Any) -> None:
    content = json.dumps(changed(*keys, to=value)()).encode()
    try:
        found = parcel.unpack(content, Path("x.people"))
    except StoreError as refusal:
        assert "x.people" in str(refusal)
    else:
        assert found.people[0].embeddings(found.model)


def test_a_failure_in_the_middle_of_an_import_leaves_nobody(
    file: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Gallery(path, MODEL) as gallery:
        gallery.add("Bob", looks(5))
    store = gallery_transfer._store

    def fail(gallery: sqlite3.Connection, vault: Any, name: str, *others: Any) -> None:
        store(gallery, vault, name, *others)
        if name == "Zoë":
            raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(gallery_transfer, "_store", fail)
    with pytest.raises(StoreError):
        bring_in(file, path)
    with Gallery(path, MODEL) as gallery:
        assert [person.identity.name for person in gallery.people()] == ["Bob"]
