"""Counts, quality and provenance are what a loop would count, and a manifest that does not fit is named."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from edgeface_train.chips import Listing
from edgeface_train.doctor.counts import count_photos
from edgeface_train.doctor.manifest import provenance, read_manifest
from edgeface_train.doctor.quality import poor, spread
from edgeface_train.doctor.scan import Seen

from edgeface.errors import ConfigError

LISTING = Listing(Path("chips"), ["ada", "bo"], np.array([0, 0, 1], np.int32), ["ada/0.png", "ada/1.png", "bo/0.png"])


def test_the_counts_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    people = np.sort(np.concatenate([np.arange(300), rng.integers(0, 300, 5000) ** 2 // 300]))
    names = [f"p{number}" for number in range(300)]
    counts, slow = count_photos(people, names), Counter(people.tolist())
    assert counts.alone == sum(count == 1 for count in slow.values())
    assert counts.largest_share == pytest.approx(sum(sorted(slow.values())[-3:]) / len(people))
    assert counts.histogram["3-4"] == sum(3 <= count <= 4 for count in slow.values())
    assert sum(counts.histogram.values()) == 300
    assert list(counts.largest.values()) == sorted(slow.values())[:-11:-1]


def test_one_person_with_one_photo_can_be_counted():
    counts = count_photos(np.array([0]), ["ada"])
    assert (counts.alone, counts.largest_share, counts.histogram) == (1, 1.0, {"1": 1})


def test_a_spread_leaves_out_what_is_not_known_and_bears_equal_values():
    found = spread("score", np.array([1.0, np.nan, 3.0, 2.0]))
    assert (found.photos, found.quantiles["0.5"]) == (3, 2.0)
    assert sum(spread("score", np.ones(5)).bars) == 5


def test_what_a_device_would_refuse_is_counted():
    seen = [Seen(b"", b"", 0, sharpness, light) for sharpness, light in ((0.5, 120), (0.2, 30), (0.1, 240))]
    assert poor(seen) == {
        "dark_enrol": 1, "bright_enrol": 1, "blurred_enrol": 2, "dark_live": 0, "bright_live": 1, "blurred_live": 1,
    }  # fmt: skip


def test_a_manifest_is_read_in_the_order_of_the_chips(tmp_path):
    path = tmp_path / "chips.csv"
    path.write_text(
        "file,person,source,license,score,note\n"
        "bo/0.png,bo,web,CC-BY,0.5,x\nada/0.png,eve,,,,y\ngone/0.png,gone,web,,0.9,z\n"
    )
    manifest = read_manifest(path, LISTING)
    assert manifest.source == ["", "", "web"]
    assert manifest.licence == ["", "", "CC-BY"]
    assert list(manifest.figures) == ["score"]
    assert manifest.figures["score"][2] == 0.5
    assert (manifest.unlisted, manifest.absent, manifest.elsewhere) == (["ada/1.png"], ["gone/0.png"], ["ada/0.png"])
    known = provenance(manifest)
    assert (known.sources, known.without_source, known.without_licence) == ({"web": 1}, 2, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [("name,person\n", "no column file"), ("", "no column file"), ("file\nada/0.png\nada/0.png\n", "row 3")],
)
def test_a_manifest_that_is_none_is_refused(tmp_path, text, message):
    path = tmp_path / "chips.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_manifest(path, LISTING)
    with pytest.raises(ConfigError, match="nowhere"):
        read_manifest(tmp_path / "nowhere.csv", LISTING)
