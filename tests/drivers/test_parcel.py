"""What is inside a file of people is checked as if its sender were hostile, who knows the passphrase."""

import base64
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeface.drivers import parcel
from edgeface.drivers.sealed import seal
from edgeface.errors import StoreError
from tests.drivers.locked import WORDS, bring_in
from tests.drivers.stored import MODEL

pytest.importorskip("cryptography", reason="the extra secure is not installed")

pytestmark = pytest.mark.usefixtures("cheap_scrypt")


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
