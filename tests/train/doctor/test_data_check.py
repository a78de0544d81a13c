"""The whole command on people who are patterns of colour, with every kind of trouble planted: all found, no more."""

import csv
import json
import shutil
from functools import partial

import cv2
import numpy as np
import pytest
from edgeface_train.chips import list_chips
from edgeface_train.commands import load_people
from edgeface_train.doctor.clean import apply_clean, read_clean
from edgeface_train.recipe import read_recipe

from tests.command_line import run_command

PEOPLE, PHOTOS = 30, 8
FEATURE = 8


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Thirty people, a wrong label, a twin, three copies and one person of the test folder among them."""
    root = tmp_path_factory.mktemp("world")
    rng = np.random.default_rng(5)
    for person in range(PEOPLE + 4):
        folder = root / ("chips" if person < PEOPLE else "test") / f"p{person:02d}"
        folder.mkdir(parents=True)
        pattern = rng.integers(40, 216, (6, 6, 3)).astype(np.uint8)
        for photo in range(PHOTOS):
            write(folder / f"{photo}.png", draw(pattern, rng))
    chips = root / "chips"
    (chips / "p03" / "5.png").rename(chips / "p07" / "wrong.png")
    (chips / "twin").mkdir()
    for photo in (0, 1, 2):
        (chips / "p11" / f"{photo}.png").rename(chips / "twin" / f"{photo}.png")
    shutil.copy(chips / "p20" / "0.png", chips / "p20" / "same-file.png")
    picture = cv2.imread(str(chips / "p21" / "0.png"))
    cv2.imwrite(str(chips / "p21" / "same-pixels.png"), picture, [cv2.IMWRITE_PNG_COMPRESSION, 0])
    small = cv2.resize(cv2.resize(picture, (80, 80), interpolation=cv2.INTER_AREA), (112, 112))
    cv2.imwrite(str(chips / "p21" / "shrunk.png"), np.clip(small * 0.9 + 12, 0, 255).astype(np.uint8))
    for photo in range(4):
        (chips / "leak").mkdir(exist_ok=True)
        (root / "test" / "p31" / f"{photo}.png").rename(chips / "leak" / f"{photo}.png")
    write_vectors(root)
    return root


def draw(pattern, rng):
    """Return a chip of a person: the pattern, moved, relit, and with shapes of this very photo."""
    picture = cv2.resize(pattern, (112, 112), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    own = cv2.resize(rng.normal(0, 1, (12, 12, 3)), (112, 112), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture + 45 * own + rng.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)


def write(path, picture):
    assert cv2.imwrite(str(path), picture)


def write_vectors(root):
    """Write vectors a teacher might give, colours at a few places, and their order with a source."""
    listing = list_chips(root / "chips")
    pictures = [cv2.imread(str(listing.folder / path)).astype(np.float32) for path in listing.paths]
    small = [cv2.resize(picture, (FEATURE, FEATURE), interpolation=cv2.INTER_AREA).ravel() for picture in pictures]
    features = np.array(small)
    features -= features.mean(axis=0)
    np.savez(root / "teacher.npz", vectors=features / np.linalg.norm(features, axis=1, keepdims=True))
    with (root / "chips.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "person", "source", "licence", "detector_score"])
        for path in listing.paths:
            rows.writerow([path, path.partition("/")[0], "painted", "" if "wrong" in path else "CC0", 0.9])


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    """Run a command line in an empty home and return how it ended."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    return partial(run_command, capsys)


def check(cli, root, *arguments):
    vectors = ["--vectors", root / "teacher.npz", "--vectors-order", root / "chips.csv"]
    return cli("data", "check", root / "chips", *vectors, *arguments)


def test_everything_that_was_planted_is_found_and_nobody_else_is_accused(cli, world, tmp_path):
    ended = check(cli, world, "--out", tmp_path / "report", "--manifest", world / "chips.csv", "--json")
    assert ended.code == 0, ended.err
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert [(found["file"], found["kind"], found["like"]) for found in report["suspects"]] == [
        ("p07/wrong.png", "another", "p03")
    ]
    assert report["merge_groups"] == [["p11", "twin"]]
    assert {(found["file"], found["of"], found["kind"]) for found in report["repeats"]} == {
        ("p20/same-file.png", "p20/0.png", "file"),
        ("p21/same-pixels.png", "p21/0.png", "pixels"),
        ("p21/shrunk.png", "p21/0.png", "near"),
    }
    assert report["manifest"]["sources"] == {"painted": len(list_chips(world / "chips").paths)}
    assert report["manifest"]["without_licence"] == 1
    assert " ".join(report) == (
        "format chips judged_by counts levels suspects merge_groups twins repeats shared quality manifest decisions"
    )
    total = json.loads(ended.out)
    assert " ".join(total) == (
        "people photos people_with_one_photo largest_share judged mislabelled stray scattered to_look_at "
        "duplicates_within duplicates_across merge_groups shared_with_test report clean"
    )
    assert (total["mislabelled"], total["stray"], total["to_look_at"], total["merge_groups"]) == (1, 0, 0, 1)


def test_the_report_is_a_page_with_pictures_of_the_suspects(cli, world, tmp_path):
    assert check(cli, world, "--out", tmp_path / "report").code == 0
    page = (tmp_path / "report" / "report.html").read_text()
    assert "Photos that show another person" in page
    assert page.count("data:image/jpeg;base64,") == 3  # duplicates, a suspect, twins
    assert "http" not in page


def test_the_clean_list_undoes_what_was_planted(cli, world, tmp_path):
    ended = check(cli, world, "--write-clean", tmp_path / "clean.tsv")
    assert str(tmp_path / "clean.tsv") in ended.out
    listing = list_chips(world / "chips")
    left = apply_clean(listing, read_clean(tmp_path / "clean.tsv"))
    gone = {"p07/wrong.png", "p20/same-file.png", "p21/same-pixels.png", "p21/shrunk.png"}
    assert set(listing.paths) - set(left.paths) == gone
    assert set(listing.names) - set(left.names) == {"twin"}


def test_people_of_the_test_folder_are_found_by_name_by_picture_and_by_face(cli, world, tmp_path):
    others = tmp_path / "others"
    shutil.copytree(world / "test", others)
    shutil.copytree(world / "chips" / "p01", others / "p01")
    (others / "seen").mkdir()
    shutil.copy(world / "chips" / "p02" / "3.png", others / "seen" / "x.png")
    arguments = ["--test", others, "--out", tmp_path / "report"]
    assert check(cli, world, *arguments, "--write-clean", tmp_path / "clean.tsv").code == 0
    found = json.loads((tmp_path / "report" / "report.json").read_text())["shared"]
    ways = {(item["person"], item["test_person"]): item["how"] for item in reversed(found)}
    assert ways["p01", "p01"] == "name"
    assert ways["p02", "seen"] == "picture"
    drops = read_clean(tmp_path / "clean.tsv").drops
    assert {"p01", "p02"} <= set(drops)


def test_without_vectors_the_bundle_judges(cli, world, tmp_path):
    ended = cli("data", "check", world / "chips", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["judged"] is True


def test_too_few_people_are_counted_but_not_judged(cli, world, tmp_path):
    for name in ("p00", "p01"):
        shutil.copytree(world / "chips" / name, tmp_path / "few" / name)
    ended = cli("data", "check", tmp_path / "few")
    assert ended.code == 0
    assert "labels were not judged" in ended.out


def test_inputs_that_do_not_fit_are_one_clear_error(cli, world, tmp_path):
    chips = world / "chips"
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    for arguments, message in [
        (["nowhere"], "folder of chips nowhere does not exist"),
        ([chips, "--vectors", world / "teacher.npz"], "need an order"),
        ([chips, "--vectors", tmp_path / "bad.npz", "--vectors-order", world / "chips.csv"], "cannot be read"),
        ([chips, "--manifest", "nowhere.csv"], "manifest nowhere.csv cannot be read"),
        ([chips, "--test", "nowhere"], "folder of chips nowhere does not exist"),
        ([chips, "--out", tmp_path / "bad.npz"], "is a file"),
        ([chips, "--write-clean", tmp_path / "bad.npz"], "exists already"),
        ([chips, "--write-clean", "nowhere/clean.tsv"], "its folder does not exist"),
    ]:
        ended = cli("data", "check", *arguments)
        assert (ended.code, message in ended.err) == (2, True), ended.err


def test_the_trainer_leaves_out_what_the_list_says_before_it_splits(cli, world, tmp_path, tiny_recipe):
    check(cli, world, "--write-clean", world / "clean.tsv")
    assert (world / "clean.tsv").is_file()
    plan = read_recipe(tiny_recipe, ["data.train=chips", "data.clean=clean.tsv"])
    train, held_out = load_people(plan, world)
    names = set(train.names) | set(held_out.names)
    assert "twin" not in names
    assert len(train) + len(held_out) == len(list_chips(world / "chips").paths) - 4
    everybody, _ = load_people(read_recipe(tiny_recipe, ["data.train=chips"]), world)
    assert "twin" in everybody.names or len(everybody) > len(train)
