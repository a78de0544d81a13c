"""Help texts and the shapes of JSON are promises: they are compared with files.

To write the files anew after a wanted change:
EDGEFACE_WRITE_GOLDENS=1 python -m pytest tests/cli/test_cli_help.py
"""

import json
import os
from importlib.metadata import version
from pathlib import Path

import pytest

from edgeface.cli.reference import help_texts, render
from tests.cli.test_cli_calibrate import write_strangers
from tests.fakes import GREEN, RED, Square

GOLDENS = Path(__file__).parent / "goldens"
REPOSITORY = Path(__file__).parents[2]
TEXTS = help_texts()


def compare(path, text):
    if os.environ.get("EDGEFACE_WRITE_GOLDENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text


@pytest.mark.parametrize("words", TEXTS, ids=" ".join)
def test_the_help_is_the_promised_one(words):
    compare(GOLDENS / f"help-{'-'.join(('edgeface', *words))}.txt", TEXTS[words] + "\n")


@pytest.mark.parametrize("words", TEXTS, ids=" ".join)
def test_every_command_has_help_and_an_example_of_itself(words):
    lines = TEXTS[words].splitlines()
    assert lines[2].strip().endswith(".")
    examples = TEXTS[words].partition("Example")[2]
    assert f"  {' '.join(('edgeface', *words))}" in examples


def test_the_help_that_is_printed_is_the_one_compared(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    printed = cli("run", "--help")
    assert (printed.code, printed.err) == (0, "")
    assert printed.out.strip() == TEXTS[("run",)]


def test_the_command_line_reference_is_fresh():
    compare(REPOSITORY / "docs" / "cli.md", render())


def test_the_version_is_that_of_the_package(cli):
    assert cli("--version").out == f"edgeface {version('edgeface')}\n"


def shape(value):
    """Return JSON with each value replaced by its kind."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return "null" if value is None else type(value).__name__


def test_the_shapes_of_json_are_the_promised_ones(cli, painted, picture):
    red = picture("red.png", Square(RED))
    for number in range(5):
        picture(f"clip/{number}.png", Square(RED))
    for place in ("Ada/Ada_0001.jpg", "Ada/Ada_0002.jpg", "Bo/Bo_0001.jpg"):
        picture(f"lfw/{place}", Square(RED if "Ada" in place else GREEN))
    Path("pairs.txt").write_text("2\t1\n" + "Ada\t1\t2\nAda\t1\tBo\t1\n" * 2)
    assert cli("enroll", "--gallery", "kept.db", "--name", "alice", red).code == 0
    Path("sinks.toml").write_text('[[sink]]\nkind = "file"\npath = "events.jsonl"\n')
    write_strangers(Path("strangers.npz"), 200)
    commands = [
        ["enroll", "--name", "alice", red],
        ["list"],
        ["calibrate", "--strangers", "strangers.npz"],
        ["gallery", "looks"],
        ["identify", red, picture("empty.png")],
        ["run", "--camera", "clip"],
        ["embed", red, "--out", "x.npz"],
        ["evaluate", "lfw", "lfw", "--pairs", "pairs.txt"],
        ["doctor", "--camera", "clip"],
        ["gallery", "backup", "usb", "--keep", "1"],
        ["gallery", "verify"],
        ["gallery", "migrate"],
        ["gallery", "restore", "kept.db"],
        ["enroll", "--name", "alice", red],
        ["gallery", "set-aside", "2"],
        ["gallery", "take-back", "2"],
        ["gallery", "drop-chips"],
        ["sinks", "test", "--config", "sinks.toml"],
        ["forget", "alice"],
    ]
    lines = []
    for command in commands:
        ended = cli(*command, "--json")
        assert ended.code == 0, ended.err
        words = " ".join(map(str, command))
        lines += [f"$ edgeface {words} --json", *(json.dumps(shape(found)) for found in ended.objects)]
    compare(GOLDENS / "json-shapes.txt", "\n".join(lines) + "\n")
