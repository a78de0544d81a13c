"""What a manifest says of each chip becomes slices: those of a slow loop, in every report, and one clear error else."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from edgeface_train.chips import load_chips
from edgeface_train.evaluation import plots
from edgeface_train.evaluation.columns import LEAST_PEOPLE, TWO_WORDS, read_columns
from edgeface_train.evaluation.conditions import UNKNOWN, Condition, few_people, grade, measure_slices
from edgeface_train.page import Picture

from edgeface.card import read_bundle
from edgeface.errors import ConfigError
from tests.command_line import run_command
from tests.conftest import REPOSITORY
from tests.train.conftest import write_patterns

BUNDLE = REPOSITORY / "tests" / "fixtures" / "tiny-bundle"
NEEDED = "2 to 12 words are needed, or numbers of which no third is all alike"
FILES = [f"p{number:02d}/0.png" for number in range(20)]


@pytest.fixture
def manifest(tmp_path):
    """Write a manifest of FILES, or of other files, from columns."""

    def write(files=FILES, **columns):
        path = tmp_path / "chips.csv"
        with path.open("w", newline="") as file:
            write = csv.writer(file)
            write.writerow(["file", *columns])
            write.writerows([name, *(values[place] for values in columns.values())] for place, name in enumerate(files))
        return path

    return write


def test_a_column_of_few_words_gives_a_slice_a_word_and_one_of_two(manifest):
    glasses = ["none", "sun", "", " none"] * 5
    [condition], unsaid = read_columns(manifest(glasses=glasses), FILES)
    assert (condition.name, condition.labels) == ("manifest: glasses", ["none", "sun", TWO_WORDS])
    assert condition.thirds.tolist() == [0, 1, UNKNOWN, 0] * 5
    assert unsaid == ["slices by glasses: of 5 of 20 chips it is unknown"]


def test_numbers_are_cut_into_thirds_of_which_the_lowest_comes_first(manifest):
    pixels = [*range(-3000, 3000, 300)]
    [condition], unsaid = read_columns(manifest(pixels=pixels), FILES)
    wanted = grade("manifest: pixels", np.array(pixels, float), poor_is="low", words="low, middling, high")
    assert condition.thirds.tolist() == wanted.thirds.tolist()
    assert np.bincount(condition.thirds).tolist() == [7, 6, 7]
    assert condition.labels == ["low: under -1100", "middling: -1100 to 800", "high: over 800"]
    assert unsaid == []


def test_numbers_of_few_kinds_are_words_in_their_order(manifest):
    [condition], _ = read_columns(manifest(decade=["1990", "200", "90", ""] * 5), FILES)
    assert condition.labels == ["90", "200", "1990", TWO_WORDS]


def test_numbers_that_are_mostly_alike_make_no_slices_and_that_is_told(manifest):
    told, unsaid = read_columns(manifest(glare=[0.0] * 8 + [*range(1, 13)]), FILES)
    assert (told, unsaid) == ([], [f"slices by glare: its different values are 13; {NEEDED}"])


def test_columns_that_name_files_people_or_licences_make_no_slices(manifest):
    named = dict.fromkeys(
        ("person", "licence", "license", "original_file", "photo url", "id", "name", ""), ["a", "b"] * 10
    )
    told, unsaid = read_columns(manifest(**named, source=["x", "y"] * 10, source_name=["x", "y"] * 10), FILES)
    assert [condition.name for condition in told] == ["manifest: source", "manifest: source_name"]
    assert unsaid == []


def test_a_column_of_one_word_or_of_many_is_left_out_and_told(manifest):
    told, unsaid = read_columns(manifest(camera=["phone"] * 20, title=[f"t{number}" for number in range(20)]), FILES)
    assert told == []
    assert unsaid == [
        "slices by camera: its different values are 1; " + NEEDED,
        "slices by title: its different values are 20; " + NEEDED,
    ]


def test_chips_that_the_manifest_lacks_are_unknown_and_its_other_rows_are_not_looked_at(manifest):
    files = ["else/0.png", *FILES[:8]]
    [condition], unsaid = read_columns(manifest(files, light=["night", *["day", "dusk"] * 4]), FILES)
    assert condition.labels == ["day", "dusk", TWO_WORDS]
    assert condition.thirds.tolist() == [0, 1] * 4 + [UNKNOWN] * 12
    assert unsaid == ["slices by light: of 12 of 20 chips it is unknown"]


def test_slices_of_words_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    people, word = np.repeat(np.arange(8, dtype=np.int32), 3), rng.integers(-1, 2, 24).astype(np.int8)
    similarity = rng.random((24, 24)).astype(np.float32)
    condition = Condition("glasses", word, ["none", "sun", TWO_WORDS], words=True, least_people=5)
    pieces = measure_slices(similarity, people, [condition], 0.4, np.ones((1, 8), int))
    said = few_people(people, [condition])
    for number, piece in enumerate(pieces):
        refused, accepted, owners, couples = [], [], set(), set()
        for one in range(24):
            for other in range(one + 1, 24):
                both = {int(word[one]), int(word[other])}
                if UNKNOWN in both or both != ({0, 1} if number == 2 else {number}):
                    continue
                hit = similarity[one, other] >= 0.4
                (refused if people[one] == people[other] else accepted).append(hit)
                (owners if people[one] == people[other] else couples).update({int(people[one]), int(people[other])})
        assert (piece.genuine, piece.impostor) == (len(refused), len(accepted))
        if len(owners) >= 5:
            assert piece.fnmr and piece.fnmr.value == pytest.approx(1 - np.mean(refused))
        else:
            assert piece.fnmr is None
            line = f"pairs of one person in the slice glasses, {piece.chips}: they come from {len(owners)} people"
            assert f"{line}, 5 are needed" in said
        assert len(couples) >= 5
        assert piece.fmr and piece.fmr.value == pytest.approx(np.mean(accepted))
    assert {piece.fnmr is None for piece in pieces} == {False, True}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,source\np00/0.png,a\n", "has no column file, its columns are path, source"),
        ("", "has no column file, its columns are none"),
        ("file,source\nada/0.png,a\n", r"has 1 rows, none of them of the 20 chips, such as p00/0\.png"),
        ("file,source\np00/0.png,a\np00/0.png,b\n", r"row 3: p00/0\.png has a row already"),
    ],
)
def test_what_is_no_manifest_of_these_chips_is_one_clear_error(tmp_path, text, message):
    path = tmp_path / "chips.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_columns(path, FILES)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_columns(tmp_path / "none.csv", FILES)


def test_they_stand_beside_the_measured_ones_in_page_json_and_card(manifest, capsys, monkeypatch, tmp_path):
    for slow in ("draw_det", "draw_roc", "draw_histograms"):
        monkeypatch.setattr(plots, slow, lambda report: Picture("", b""))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write_patterns(tmp_path / "chips", people=14, chips=3)
    shutil.copytree(BUNDLE, tmp_path / "bundle")
    paths = load_chips(tmp_path / "chips").paths
    source = ["few & <far>" if place < 9 else "$many_{$" for place in range(42)]
    manifest(paths[1:], person=["?"] * 41, source=source[1:], score=[f"{place * 37 % 41}.5" for place in range(41)])
    options = ("chips", "--model", "bundle", "--variants", "int8", "--json")
    plain = run_command(capsys, "evaluate", "people", *options)
    ended = run_command(
        capsys, "evaluate", "people", *options, "--manifest", "chips.csv", "--out", "report", "--write-card"
    )
    assert (plain.code, ended.code) == (0, 0), ended.err
    without, report = json.loads(plain.out), json.loads(ended.out)
    slices = report["results"][0]["slices"]
    assert without["results"][0]["slices"] == slices[:12]
    assert without["digests"] == report["digests"]
    by_name = {(row["condition"], row["chips"]): row for row in slices[12:]}
    assert [name for name, _ in by_name] == ["manifest: source"] * 3 + ["manifest: score"] * 3
    few, many = (by_name["manifest: source", word] for word in ("few & <far>", "$many_{$"))
    assert (few["genuine"], few["fnmr"], few["fmr"]) == (2 * 3 + 1, None, None)
    assert many["genuine"] == 33 and many["fnmr"] and many["fmr"]
    assert by_name["manifest: source", TWO_WORDS]["genuine"] == 0
    told = set(report["omitted"]) - set(without["omitted"])
    assert "slices by source: of 1 of 42 chips it is unknown" in told
    few_told = (
        f"pairs of one person in the slice manifest: source, few & <far>: they come from 3 people, {LEAST_PEOPLE}"
    )
    assert any(line.startswith(few_told) for line in told)
    page = Path("report/report.html").read_text()
    assert "manifest: source" in page and "few &amp; &lt;far&gt;" in page and "manifest: score" in page
    assert read_bundle(tmp_path / "bundle").card.evaluation["variants"]["int8"]["slices"] == slices


def test_a_manifest_of_other_chips_ends_the_command_before_any_work(manifest, chips_folder, capsys, tmp_path):
    path = manifest(source=["a", "b"] * 10)
    ended = run_command(capsys, "evaluate", "people", chips_folder, "--model", BUNDLE, "--manifest", path)
    assert ended.code == 2
    assert "none of them of the 72 chips, such as person00/0.png" in ended.err
    assert "grading" not in ended.err and ended.out == ""
