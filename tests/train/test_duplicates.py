"""Similar hashes are found in tiles as a loop over all pairs finds them, and only plausible pairs are registered."""

import numpy as np
import pytest
from edgeface_train import duplicates
from edgeface_train.duplicates import Candidate, find_duplicates, near_pairs


def slow_pairs(hashes, bits):
    places = range(len(hashes))
    return {(i, j) for i in places for j in places if i < j and (hashes[i] ^ hashes[j]).bit_count() <= bits}


@pytest.mark.parametrize("bits", [0, 20, 26])
def test_near_pairs_are_those_of_a_loop_whatever_the_tiles(monkeypatch, bits):
    monkeypatch.setattr(duplicates, "_ROWS", 7)
    monkeypatch.setattr(duplicates, "_COLUMNS", 11)
    hashes = [int(word) for word in np.random.default_rng(0).integers(0, 2**64, 60, np.uint64)]
    hashes[40] = hashes[3]
    found = list(near_pairs(hashes, bits))
    assert len(found) == len(set(found))
    assert set(found) == slow_pairs(hashes, bits)
    assert set(near_pairs(hashes, bits, leading=10)) == {pair for pair in slow_pairs(hashes, bits) if pair[0] < 10}


def test_one_hash_has_no_pair():
    assert list(near_pairs([5], 64)) == []


def test_what_is_not_plausible_is_not_compared():
    rng = np.random.default_rng(0)
    chip = np.repeat(np.repeat(rng.integers(0, 256, (14, 14, 3)), 8, axis=0), 8, axis=1).astype(np.uint8)
    chips = [Candidate(f"ada/{number}.png", "ada", str(number), 0, 1.0) for number in range(2)]
    chips.append(Candidate("bo/0.png", "bo", "9", 0, 1.0))
    dropped, shared = find_duplicates(chips, lambda _: chip)
    assert [(found.photo, found.of) for found in dropped] == [("ada/1.png", "ada/0.png")]
    assert [(found.photo, found.of) for found in shared] == [("bo/0.png", "ada/0.png")]
    assert find_duplicates(chips, lambda _: chip, plausible=lambda _one, _other: False) == ([], [])
