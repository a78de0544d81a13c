"""Every documented exit code is reached by a command line."""

import sys
from types import ModuleType

import pytest

from edgeface import wiring
from edgeface.cli.host import needing_the_extra
from edgeface.cli.main import EXIT_CODES
from edgeface.errors import Collapse, MissingExtra
from tests.fakes import RED, Square


def trainer(monkeypatch, train):
    """Put another trainer in place of the real one."""
    module = ModuleType("edgeface_train.commands")
    module.train = train
    monkeypatch.setitem(sys.modules, "edgeface_train.commands", module)
    monkeypatch.setattr("edgeface_train.commands", module, raising=False)


def without_tensorflow(*_):
    import tensorflow  # noqa: F401 (it is not there)


def collapsed(*_):
    raise Collapse("the embedding has shrunk to one point", hint="lower the margin")


def interrupted(*_):
    raise KeyboardInterrupt


LINES = {
    0: ["list"],
    1: ["doctor", "--no-camera", "--model", "nothing"],
    2: ["config", "-o", "recognition.treshold=1"],
    3: ["run", "--camera", "nowhere.mp4"],
    4: ["identify", "red.png", "--model", "nothing"],
    5: ["identify", "empty.png"],
    6: ["train", "demo"],
    7: ["list", "--gallery", "."],
    8: ["train", "demo"],
    9: ["status"],
    130: ["train", "demo"],
}


def test_no_documented_code_is_left_out():
    assert LINES.keys() == EXIT_CODES.keys()


@pytest.mark.parametrize("code", LINES)
def test_the_exit_code_is_the_documented_one(cli, painted, picture, monkeypatch, code):
    cli("enroll", "--name", "alice", picture("red.png", Square(RED)))
    picture("empty.png")
    if code in (6, 8, 130):
        monkeypatch.setitem(sys.modules, "tensorflow", None)
        trainer(monkeypatch, {6: without_tensorflow, 8: collapsed, 130: interrupted}[code])
    ended = cli(*LINES[code])
    assert ended.code == code
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("arguments", [["enrol"], ["enroll"], ["run", "--nope"], ["embed", "x.png"]])
def test_a_mistyped_command_line_ends_with_2(cli, arguments):
    assert cli(*arguments).code == 2


def test_an_error_says_what_and_what_next_on_standard_error(cli):
    ended = cli("config", "-o", "recognition.treshold=1")
    assert (ended.out, ended.err) == (
        "",
        "edgeface: option -o: unknown setting recognition.treshold\n  hint: did you mean recognition.threshold?\n",
    )


def test_a_missing_model_says_how_to_give_one(cli, monkeypatch, tmp_path):
    monkeypatch.setattr(wiring, "DEFAULT_BUNDLE", tmp_path / "none")
    ended = cli("identify", "x.png")
    assert ended.code == 4
    assert "this edgeface carries no model" in ended.err
    assert "--model" in ended.err


@pytest.mark.parametrize(("package", "shown"), [("tensorflow", "TensorFlow"), ("keras", "Keras")])
def test_a_missing_training_package_is_one_line(package, shown):
    with (
        pytest.raises(MissingExtra, match=f"training needs {shown}, which is") as missing,
        needing_the_extra(),
    ):
        raise ModuleNotFoundError(f"No module named '{package}.x'", name=f"{package}.x")
    assert missing.value.hint == "pip install 'edgeface[train]'"


def test_a_mistake_in_the_trainer_is_not_called_a_missing_package():
    with pytest.raises(ModuleNotFoundError), needing_the_extra():
        raise ModuleNotFoundError("No module named 'edgeface_train.nonsense'", name="edgeface_train.nonsense")


def test_the_trainer_gets_what_the_command_line_said(cli, monkeypatch):
    given = []
    trainer(monkeypatch, lambda *arguments: given.append(arguments))
    assert cli("train", "demo", "--resume", "-o", "seed=1", "-o", "name=x").code == 0
    assert given == [("demo", None, None, True, ["seed=1", "name=x"], ("", 1, 0))]
