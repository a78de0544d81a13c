"""`edgeface evaluate people`, from chips to report and exit code, on people who are patterns of colour."""

import csv
import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edgeface_train.chips import load_chips

from edgeface.card import read_bundle
from edgeface.core.metrics import similarity_pairs, tar_at_far
from tests.command_line import run_command
from tests.conftest import REPOSITORY
from tests.train.conftest import write_patterns

BUNDLE = REPOSITORY / "tests" / "fixtures" / "tiny-bundle"
GOLDEN = REPOSITORY / "tests" / "cli" / "goldens" / "json-evaluate-people.txt"


@pytest.fixture(scope="module")
def chips_folder(tmp_path_factory):
    """Thirty people of four chips each: strangers enough for a rate of 1 in 100."""
    folder = tmp_path_factory.mktemp("chips")
    write_patterns(folder, people=30, chips=4)
    return folder


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run a command line; return its exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def command(*arguments):
        ended = run_command(capsys, "evaluate", "people", *arguments)
        return ended.code, ended.out, ended.err

    return command


@pytest.fixture
def lists(chips_folder, tmp_path):
    """Pairs in three folds and three galleries of four people; three words of a command line for each."""
    chips = load_chips(chips_folder)
    rng = np.random.default_rng(0)
    with Path(tmp_path / "pairs.csv").open("w", newline="") as file:
        write = csv.writer(file)
        write.writerow(["fold", "same", "left", "right"])
        for number in range(60):
            one, other = rng.choice(len(chips), 2, replace=False)
            if number % 2:
                other = one // 4 * 4 + (one + 1) % 4
            same = int(chips.people[one] == chips.people[other])
            write.writerow([number % 3, same, chips.paths[one], chips.paths[other]])
    with Path(tmp_path / "oneshot.csv").open("w", newline="") as file:
        write = csv.writer(file)
        write.writerow(["trial", "n", "enrolled"])
        for trial in range(3):
            for person in rng.choice(30, 4, replace=False):
                write.writerow([trial, 4, chips.paths[person * 4 + trial]])
    return "--pairs", "pairs.csv", "--oneshot", "oneshot.csv"


def skeleton(value):
    """Return JSON with each value replaced by its kind, and of a list only the first."""
    if isinstance(value, dict):
        return {key: skeleton(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [skeleton(inner) for inner in value[:1]]
    return "null" if value is None else type(value).__name__


def test_variants_and_a_peer_stand_side_by_side_in_a_report(run, chips_folder, lists, peer, tmp_path):
    code, out, err = run(chips_folder, "--model", BUNDLE, *lists, "--also", peer(), "--out", "report", "--json")
    assert code == 0, err
    assert "colours: embedding chips (120)" in err
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count('src="data:image/png;base64') == 5  # DET, ROC, histograms, searches, slices
    assert not re.search(r'(src|href)="?http', page)
    report = json.loads(out)
    assert report == json.loads((tmp_path / "report" / "report.json").read_text())
    check_keys(report)
    assert [result["name"] for result in report["results"]] == ["int8", "float16", "float32", "colours"]
    *tiny, colours = report["results"]
    assert (report["chips"], report["people"], report["genuine"], report["impostor"]) == (120, 30, 180, 6960)
    assert colours["folds"]["accuracy"] == 1
    assert colours["headline"]["tar_at_far_0.001"] == 1
    assert (colours["promises"], colours["fidelity"], colours["bytes"]) == ([], None, None)
    for result in tiny:
        assert result["bytes"] == (BUNDLE / f"model-{result['name']}.tflite").stat().st_size
        assert result["cpu_ms"] > 0
    int8, _, float32 = tiny
    assert float32["fidelity"] is None
    assert int8["fidelity"]["reference"] == "float32"
    assert 0.9 < int8["fidelity"]["median_cosine"] <= 1


def check_keys(report):
    """Compare the keys of a report with the promised ones; EDGEFACE_WRITE_GOLDENS writes them anew."""
    found = json.dumps(skeleton(report), indent=1) + "\n"
    if os.environ.get("EDGEFACE_WRITE_GOLDENS"):
        GOLDEN.write_text(found)
    assert found == GOLDEN.read_text()


def test_figures_are_those_of_the_device_s_own_embedder(run, chips_folder):
    from edgeface.card import read_bundle
    from edgeface.drivers.embedder import TfliteEmbedder

    code, out, err = run(chips_folder, "--model", BUNDLE, "--variants", "int8", "--json")
    assert code == 0, err
    [result] = json.loads(out)["results"]
    chips = load_chips(chips_folder)
    bundle = read_bundle(BUNDLE)
    vectors = np.stack([at.vector for at in TfliteEmbedder(bundle, variant="int8").embed(list(chips.images))])
    genuine, impostor = similarity_pairs(vectors, chips.people)
    for at in result["operating"]:
        assert at["tar"]["value"] == pytest.approx(tar_at_far(genuine, impostor, at["far"]).tar, abs=1e-6)
        assert at["tar"]["low"] <= at["tar"]["value"] <= at["tar"]["high"]
    for promise in result["promises"]:
        threshold = bundle.threshold(promise["far"], "int8")
        assert promise["realised"]["value"] == pytest.approx(np.mean(impostor >= threshold), abs=1e-6)


def test_the_same_seed_gives_the_same_report_but_for_the_time_taken(run, chips_folder):
    reports = []
    for seed in (1, 1, 2):
        code, out, _ = run(chips_folder, "--model", BUNDLE, "--variants", "int8", "--seed", seed, "--json")
        assert code == 0
        reports.append(json.loads(out))
        reports[-1]["results"][0].pop("cpu_ms")
    assert reports[0] == reports[1]
    assert reports[0]["digests"]["galleries"] != reports[2]["digests"]["galleries"]


def test_a_model_that_falls_behind_ends_with_8_and_says_by_what(run, chips_folder, lists, peer, tmp_path):
    bundle = ("--model", BUNDLE, "--variants", "int8", *lists)
    (tmp_path / "old.json").write_text(run(chips_folder, *bundle, "--also", peer(), "--json")[1])
    gate = ("--against", "old.json", "--max-drop")
    assert run(chips_folder, *bundle, "--also", peer(), *gate, "0")[0] == 0
    code, out, err = run(chips_folder, *bundle, "--also", peer(noise=60), *gate, "0")
    assert code == 8
    assert "more than 0 points under old.json: colours pairs_accuracy from 100.00% to " in err
    assert "int8" not in err.partition("more than 0 points")[2]
    assert out.startswith("| figure | int8 | colours |")  # the result is told all the same
    assert run(chips_folder, *bundle, "--also", peer(noise=60), *gate, "100")[0] == 0


def test_the_card_can_keep_the_figures_and_slices_of_its_own_files(run, chips_folder, lists, peer, tmp_path):
    shutil.copytree(BUNDLE, tmp_path / "bundle")
    options = [*lists, "--model", "bundle", "--variants", "int8", "--also", peer(), "--write-card", "--json"]
    code, out, err = run(chips_folder, *options)
    assert code == 0 and "card: " in err
    bundle, report = read_bundle(tmp_path / "bundle"), json.loads(out)
    assert bundle.card.evaluation["people"] == report["people"]
    assert set(bundle.card.evaluation["variants"]) == {"int8"}
    kept = bundle.card.evaluation["variants"]["int8"]
    assert kept == {key: report["results"][0][key] for key in kept}
    assert kept["slices"] and kept["searches"] and kept["headline"]
    assert replace(bundle.card, evaluation={}) == read_bundle(BUNDLE).card
    bundle.read_model("int8")


def test_reports_on_other_galleries_are_not_compared(run, chips_folder, lists, tmp_path):
    options = (chips_folder, "--model", BUNDLE, "--variants", "int8")
    (tmp_path / "old.json").write_text(run(*options, "--json")[1])
    gate = ("--against", "old.json", "--max-drop", "1")
    for more, part in ((lists[:2], "pairs"), (lists[2:], "galleries"), (("--seed", "5"), "galleries")):
        code, _, err = run(*options, *gate, *more)
        assert code == 2
        assert f"was measured on other {part} than these" in err
        assert "embedding" not in err  # refused before the work
    code, _, err = run(chips_folder, "--model", BUNDLE, "--variants", "float16", *gate)
    assert (code, "has int8, none of float16" in err) == (2, True)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1, "results": [{}], "digests": {}}', '{"format": 7}'])
def test_what_is_no_report_is_refused_before_any_work(run, chips_folder, tmp_path, content):
    (tmp_path / "old.json").write_text(content)
    code, _, err = run(chips_folder, "--model", BUNDLE, "--against", "old.json", "--max-drop", "1")
    assert code == 2
    assert "report old.json" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--max-drop", "1"], "--max-drop and --against belong together"),
        (["--variants", "int4"], "has no variant 'int4'"),
        (["--also", "none.py"], "peer none.py is not a Python file"),
        (["--out", "pairs.csv"], "--out pairs.csv is a file"),
        (["--against", "none.json", "--max-drop", "1"], "report none.json cannot be read"),
        (["--pairs", "none.csv"], "none.csv cannot be read"),
        (["--pairs", "oneshot.csv"], "oneshot.csv lacks the column 'fold'"),
        (["--oneshot", "pairs.csv"], "pairs.csv lacks the column 'trial'"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_clear_line(run, chips_folder, lists, words, message):
    code, out, err = run(chips_folder, "--model", BUNDLE, *words)
    assert code in (2, 4)
    assert message in err
    assert out == ""


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("pairs", "0,1,person00/0.png,nobody/0.png", "names nobody/0.png, which is not among the chips"),
        ("pairs", "0,2,person00/0.png,person00/1.png", "the column same holds 2"),
        ("pairs", "0,1,person00/0.png,person01/1.png", "their folders say otherwise"),
        ("pairs", "x,1,person00/0.png,person00/1.png", "the column fold holds 'x'"),
        ("oneshot", "0,4,person00/0.png", "trial 0 of 4 enrols 5 chips"),
        ("oneshot", "9,1,person00/9.png", "names person00/9.png"),
    ],
)
def test_a_list_that_does_not_fit_the_chips_is_refused(run, chips_folder, lists, tmp_path, name, row, message):
    with (tmp_path / f"{name}.csv").open("a") as file:
        file.write(row + "\n")
    code, _, err = run(chips_folder, "--model", BUNDLE, f"--{name}", f"{name}.csv")
    assert code == 2
    assert message in err


def test_people_without_a_pair_are_refused(run, tmp_path):
    import cv2

    for person in ("ada", "bo"):
        (tmp_path / "chips" / person).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "chips" / person / "0.png"), np.zeros((112, 112, 3), np.uint8))
    code, _, err = run("chips", "--model", BUNDLE)
    assert code == 2
    assert "2 chips of 2 people make no genuine or no impostor pair" in err


def test_a_euclidean_peer_has_no_triplets(run, chips_folder, peer):
    path = peer(more="distance = 'euclidean'")
    code, out, err = run(chips_folder, "--model", BUNDLE, "--variants", "int8", "--also", path, "--json")
    assert code == 0, err
    int8, colours = json.loads(out)["results"]
    assert [row["margin"] for row in int8["non_easy"]] == [0.0, 0.2, 0.35]
    assert colours["non_easy"] == []


def test_two_networks_of_one_name_are_refused(run, chips_folder, peer):
    code, _, err = run(chips_folder, "--model", BUNDLE, "--variants", "int8", "--also", peer(), "--also", peer())
    assert code == 2
    assert "two networks are called colours" in err
