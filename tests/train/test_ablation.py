"""Each row of the ablation differs by one part, sees as many chips from the same weights, and is trained once."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edgeface_train import commands
from edgeface_train.chips import load_chips
from edgeface_train.curriculum import Curriculum, Position
from edgeface_train.drawn import draw_picture
from edgeface_train.recipe import read_recipe
from PIL import Image

from edgeface.core.align import align
from edgeface.errors import ConfigError

BENCH = Path(__file__).parents[2] / "train" / "bench" / "ablation.py"
NAMES = ["triplets only", "+ margin", "+ distillation", "+ cleaning", "+ augmentation", "+ averaging", "+ P x K"]
TRAINED = ["triplets only", "+ margin", "+ averaging", "+ P x K"]
"""A row of each kind of loop; what sets the others apart is read from their recipes."""
TAUGHT = """
name = "taught"
[data]
train = "train"
held_out = "val"
clean = "clean.tsv"
teacher = "teacher.npz"
teacher_order = "order.csv"
[network]
stem = 8
widths = [8, 16]
depths = [1, 1]
head = 16
embedding = 16
[augment]
blur = 0.9
[[stage]]
kind = "warmup"
triplets = 10
learning_rate = 4e-3
[[stage]]
kind = "distil"
batch = 26
learning_rate = 2e-3
per_person = 3
[[stage]]
kind = "rounds"
triplets = 10
learning_rate = 1e-4
stop = { draws = 300 }
"""


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("ablation", BENCH)
    module = importlib.util.module_from_spec(spec)
    sys.modules["ablation"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["ablation"]


def write_drawn(folder, seeds, pictures=4):
    for seed in seeds:
        person = folder / f"person-{seed:04d}"
        person.mkdir(parents=True)
        for number in range(pictures):
            image, landmarks = draw_picture(seed, number, size=160)
            Image.fromarray(align(image, landmarks)).save(person / f"{number}.png")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Eight drawn people to learn from, five others to measure on, a teacher, and a list that leaves one photo out."""
    data = tmp_path_factory.mktemp("drawn")
    write_drawn(data / "train", range(8))
    write_drawn(data / "val", range(100, 105))
    chips = load_chips(data / "train")
    np.savez(data / "teacher.npz", vectors=np.eye(16, dtype=np.float16)[chips.people])
    (data / "order.csv").write_text("file\n" + "\n".join(chips.paths))
    (data / "clean.tsv").write_text("drop\tperson-0003/2.png\ttoo dark\n")
    (data / "taught.toml").write_text(TAUGHT)
    return data


@pytest.fixture(scope="module")
def ablated(bench, drawn, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    arguments = [str(drawn / "taught.toml"), f"--data={drawn}", f"--out={out}", "--chips=250", "--rows", *TRAINED]
    assert bench.main(arguments) == 0
    return arguments, out


def test_every_row_has_the_same_number_of_chips(ablated):
    _, out = ablated
    found = json.loads((out / "ablation.json").read_text())
    assert list(found["rows"]) == TRAINED
    assert found["batch"] == 24
    assert {row["chips"] for row in found["rows"].values()} == {240}
    assert [row["photos"] for row in found["rows"].values()] == [32, 32, 31, 31]
    for row in found["rows"].values():
        assert 0 <= row["tar_at_far_0.001"] <= row["tar_at_far_0.01"] <= 1
        assert 0 <= row["non_easy_held_out"] <= 1
        assert (row["genuine_pairs"], row["impostor_pairs"]) == (30, 160)


def test_the_table_has_a_line_for_every_row(ablated):
    _, out = ablated
    lines = (out / "ablation.md").read_text().splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:]] == TRAINED
    assert {line.count("|") for line in lines} == {9}


def test_a_row_that_is_done_is_not_trained_again_and_one_that_is_not_is(ablated, bench, monkeypatch, capsys):
    arguments, out = ablated
    before, opened = json.loads((out / "ablation.json").read_text()), []
    (out / "2-margin" / "result.json").unlink()
    open_run = commands.open_run

    def watched(plan, data, run, *, resume):
        opened.append((run.name, resume))
        return open_run(plan, data, run, resume=resume)

    monkeypatch.setattr(commands, "open_run", watched)
    capsys.readouterr()
    assert bench.main(arguments) == 0
    assert opened == [("2-margin", True)]
    printed = capsys.readouterr().out.splitlines()
    assert json.loads(printed[-1])["rows"] == before["rows"]
    assert printed[0].startswith("| row | TAR@FAR=1e-2 |")


def test_the_rows_that_are_done_stay_in_the_table(ablated, bench, capsys):
    arguments, out = ablated
    before = [(out / name).read_bytes() for name in ("ablation.md", "ablation.json")]
    assert bench.main([*arguments[:-4], "+ averaging"]) == 0
    assert [(out / name).read_bytes() for name in ("ablation.md", "ablation.json")] == before
    assert [line for line in capsys.readouterr().err.splitlines() if line.startswith("row ")] == [
        "row 1: triplets only", "row 2: + margin", "row 6: + averaging", "row 7: + P x K",
    ]  # fmt: skip


def test_a_row_that_no_file_could_ask_for_is_read_again_and_resumed(bench, drawn, tmp_path, monkeypatch):
    (tmp_path / "excess.toml").write_text(TAUGHT.replace("per_person = 3", "excess_weight = 1.0"))
    base = read_recipe(tmp_path / "excess.toml")
    plan = dict(bench.plans(base, bench.shared_settings(base, 240, 4, 0.9)))["+ margin"]
    monkeypatch.setattr(Curriculum, "run", lambda run: run._move(Position(3)))
    monkeypatch.setattr(bench, "measure", lambda curriculum, _: {"next": curriculum._at.stage})
    for _ in range(2):  # the second time from the checkpoint
        for _ in range(2):  # the second time as it was read
            assert bench.train_row(plan, drawn, tmp_path / "row", None) == {"next": 3}
        (tmp_path / "row" / "result.json").unlink()


def test_a_row_of_other_settings_is_refused(ablated, bench, capsys):
    arguments, _ = ablated
    other = [*arguments[:3], "--chips=300", *arguments[4:]]
    assert bench.main(other) == ConfigError.exit_code
    assert "other settings: stage.1.chips 216, now 264" in capsys.readouterr().err


def test_a_done_row_is_kept_where_only_its_export_is_another(ablated, bench, tmp_path, capsys):
    (recipe := tmp_path / "taught.toml").write_text(TAUGHT + "[export]\nfine_tune = 4800\n")
    assert bench.main([str(recipe), *ablated[0][1:]]) == 0
    assert "+ margin" in capsys.readouterr().out


@pytest.mark.parametrize("chips", [144, 168, 192, 240])
def test_every_stage_of_the_shortest_rows_has_a_step(bench, drawn, chips):
    base = read_recipe(drawn / "taught.toml")
    for _, plan in bench.plans(base, bench.shared_settings(base, chips, 4, 0.999)):
        assert min(shares := [stage.chips for stage in plan.stage]) > 0
        assert sum(shares) == chips


def test_each_row_adds_one_part_to_the_row_before_it(bench, drawn):
    base = read_recipe(drawn / "taught.toml")
    rows = dict(bench.plans(base, bench.shared_settings(base, 240, 4, 0.9)))
    assert list(rows) == NAMES
    plain, margin, taught, clean, varied, averaged, balanced = rows.values()
    assert [stage.kind for stage in plain.stage] == ["warmup", "rounds"]
    assert (plain.stage[1].learning_rate, margin.stage[2].learning_rate) == (2e-3, 1e-4)
    assert [stage.weights() for stage in margin.stage] == [(1, 0, 0), (0, 0, 1), (1, 0, 0)]
    assert [stage.weights() for stage in taught.stage] == [(1, 0, 0), (0, 1, 0.02), (1, 1, 0)]
    assert clean == replace(taught, data=base.data)
    assert varied == replace(clean, augment=base.augment)
    assert averaged.stage == [replace(stage, average=0.9) for stage in varied.stage]
    assert (balanced.stage[1].people_per_batch, balanced.stage[1].chips_per_person) == (6, 4)
    assert balanced.stage[::2] == averaged.stage[::2]
    assert {sum(stage.chips for stage in row.stage) for row in rows.values()} == {240}
    assert {stage.chips_a_step for row in rows.values() for stage in row.stage} == {24}


def test_blends_have_a_row_where_the_recipe_has_them(bench, drawn):
    base = read_recipe(drawn / "taught.toml")
    [place] = [place for place, stage in enumerate(base.stage) if stage.kind == "distil"]
    base.stage[place] = replace(base.stage[place], blend_share=0.5)
    rows = dict(bench.plans(base, bench.shared_settings(base, 240, 4, 0.9)))
    assert list(rows) == [*NAMES[:-1], "+ blends", NAMES[-1]]
    averaged, blended = rows["+ averaging"], rows["+ blends"]
    assert blended.stage[1] == replace(averaged.stage[1], blend_share=0.5)
    assert [row.stage[1].blend_share for name, row in rows.items() if name not in ("triplets only", "+ blends")] == [
        0
    ] * 6


def test_rows_are_chosen_by_name_and_keep_their_numbers(bench, drawn, tmp_path):
    base = read_recipe(drawn / "taught.toml")
    rows = list(bench.plans(base, bench.shared_settings(base, 240, 4, 0.9)))
    chosen = [(tmp_path / "2-margin", *rows[1]), (tmp_path / "7-P-x-K", *rows[6])]
    assert bench.choose(rows, ["+ P x K", "+ margin"], tmp_path) == chosen
    assert [folder.name[0] for folder, _, _ in bench.choose(rows, (), tmp_path)] == list("1234567")
    [(folder, _, _)] = bench.choose([("averaging, half of the people", rows[0][1])], (), tmp_path)
    assert folder.name == "1-averaging-half-of-the-people"
    with pytest.raises(ConfigError, match="no row is named margin") as error:
        bench.choose(rows, ["margin"], tmp_path)
    assert error.value.hint == "choose from " + ", ".join(f"'{name}'" for name in NAMES)


def test_all_rows_begin_from_the_same_weights(bench, drawn, tmp_path):
    base = read_recipe(drawn / "taught.toml", ["seed=7", "network.start=default", "network.norm=folded"])
    rows = list(bench.plans(base, bench.shared_settings(base, 240, 4, 0.9)))
    begun = []
    for name, plan in (rows[0], rows[-1]):
        run = commands.open_run(plan, drawn, tmp_path / name, resume=False)
        begun.append([np.asarray(variable) for variable in run.fitter.model.trainable_variables])
    assert all(np.array_equal(one, other) for one, other in zip(*begun, strict=True))


def test_half_of_the_people_are_left_out_whole_and_alike_each_time(bench, drawn, tmp_path):
    base = read_recipe(drawn / "taught.toml")
    (tmp_path / "clean.tsv").write_text(
        "drop\tperson-0003/2.png\ttoo dark\nmerge\tperson-0000\tperson-0001\tone person\n"
    )
    base = replace(base, data=replace(base.data, clean=str(tmp_path / "clean.tsv")))
    settings = bench.shared_settings(base, 240, 4, 0.9)
    half, cleaned, twice = dict(bench.scaled(base, settings, drawn, tmp_path)).values()
    rows = dict(bench.plans(base, settings))
    whole = rows["+ averaging"]
    assert (cleaned, rows["+ margin"].data.clean) == (replace(rows["+ margin"], data=base.data), "")
    assert replace(half, data=whole.data) == whole
    assert sum(stage.chips for stage in twice.stage) == 480
    everybody, left = (commands.load_people(plan, drawn)[0] for plan in (whole, half))
    assert (len(everybody.names), len(left.names)) == (7, 3)
    for name in left.names:
        photos = [people.people.tolist().count(people.names.index(name)) for people in (everybody, left)]
        assert photos[0] == photos[1] >= 3
    before = (tmp_path / "half.tsv").read_bytes()
    list(bench.scaled(base, settings, drawn, tmp_path))
    assert (tmp_path / "half.tsv").read_bytes() == before


def test_a_list_of_galleries_adds_who_is_missed(bench, drawn, tmp_path, monkeypatch):
    (tmp_path / "oneshot.csv").write_text("trial,n,enrolled\n0,2,person-0100/0.png\n0,2,person-0101/0.png\n")
    base = read_recipe(drawn / "taught.toml")
    rows = bench.choose(
        bench.plans(base, bench.shared_settings(base, 240, 4, 0.9)), ["triplets only"], tmp_path / "out"
    )
    monkeypatch.setattr(bench, "ENROLLED", 2)
    monkeypatch.setattr(bench, "FPIR", 0.1)
    figures = bench.compare(rows, drawn, tmp_path / "oneshot.csv")
    assert 0 <= figures["triplets only"]["fnir_50_fpir_0.01"] <= 1
    assert bench.table(figures).splitlines()[0].split(" | ")[3] == "FNIR@FPIR=1e-2, N=50"


def test_a_recipe_without_teacher_and_list_has_no_rows_of_them(bench, tiny_recipe):
    base = read_recipe(tiny_recipe)
    names = [name for name, _ in bench.plans(base, bench.shared_settings(base, 1000, 4, 0.999))]
    assert names == [name for name in NAMES if name not in ("+ distillation", "+ cleaning")]


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ([], ["--chips", "143"], "too few"),
        ([], ["--chips-per-person", "2"], "needs 12 people"),
        (['held_out = "val"'], [], "held out"),
        (['held_out = "val"', 'clean = "clean.tsv"'], ["--scale"], "held out"),
        ([], ["--oneshot", "none.csv"], "none.csv"),
        ([], ["--rows", "+ margin", "- margin"], "no row is named - margin"),
    ],
)
def test_what_some_row_could_not_do_is_refused_before_the_first(
    bench, drawn, tmp_path, capsys, changes, options, message
):
    recipe = tmp_path / "other.toml"
    text = TAUGHT
    for line in changes:
        text = text.replace(line, "")
    recipe.write_text(text)
    arguments = [str(recipe), "--data", str(drawn), "--chips", "240", "--out", str(tmp_path / "out"), *options]
    assert bench.main(arguments) == ConfigError.exit_code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
