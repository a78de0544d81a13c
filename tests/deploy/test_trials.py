"""The trials of a booted container: one that breaks is named, and the others are run all the same."""

import json
import subprocess
from pathlib import Path

import pytest

LAB = Path(__file__).parents[2] / "deploy" / "lab"


class Box:
    """A container that boots at once, and says what each command is."""

    def boot(self):
        pass

    def says(self, *words):
        return " ".join(words)


@pytest.fixture
def lab(monkeypatch):
    """Return the modules that the programs of the lab import from their own folder."""
    monkeypatch.syspath_prepend(str(LAB))
    import container
    import trials

    return container, trials


def test_a_broken_promise_is_named_and_the_next_trial_is_run(lab, capsys):
    _, trials = lab

    def first(box):
        trials.expect(False, "the lamp is out")

    def second(box):
        return {"second": 1.5}

    assert trials.attempt(Box(), (first, second), "lamp", "trixie") == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], said["broken"]) == (False, {"first": "the lamp is out"})
    assert said["measured"]["second"] == 1.5
    assert said["trials"] == ["first", "second"]


def test_an_answer_that_nobody_thought_of_is_a_broken_promise_too(lab, capsys):
    _, trials = lab

    def odd(box):
        return {"odd": json.loads(box.says("no", "json"))}

    assert trials.attempt(Box(), (odd, lambda box: {"next": 1}), "lamp", "trixie") == 1
    said = json.loads(capsys.readouterr().out)
    assert "JSONDecodeError" in said["broken"]["odd"]
    assert said["measured"]["next"] == 1


def test_what_does_not_boot_is_tried_no_further_and_said(lab, capsys):
    container, trials = lab

    class Dead(Box):
        def boot(self):
            raise container.Broken("systemd did not boot")

        def says(self, *words):
            raise AssertionError("nobody can be asked")

    assert trials.attempt(Dead(), (lambda box: {"next": 1},), "lamp", "trixie") == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], said["broken"]) == (False, {"boot": "systemd did not boot"})
    assert "next" not in said["measured"]


def test_a_question_that_comes_at_a_bad_moment_is_asked_again(lab):
    container, trials = lab
    answers = [container.Broken("not yet"), container.Broken("not yet"), 7]

    def ask():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert trials.patiently(ask, 3, 0) == 7
    answers += [container.Broken("never")] * 3
    with pytest.raises(container.Broken, match="never"):
        trials.patiently(ask, 3, 0)


def test_when_every_promise_is_kept_it_says_so(lab, capsys):
    _, trials = lab
    assert trials.attempt(Box(), (lambda box: {},), "lamp", "trixie") == 0
    assert json.loads(capsys.readouterr().out)["ok"]


def test_a_command_that_is_followed_gives_the_line_that_was_waited_for(lab, monkeypatch):
    container, _ = lab
    box = container.Container(0)
    monkeypatch.setattr(box, "_enter", lambda: ["env"])
    words = ("sh", "-c", "echo one; echo two; sleep 60")
    assert box.follow(*words, until_line=lambda line: "w" in line, seconds=30) == "two\n"
    with pytest.raises(container.Broken, match="not the line that was waited for"):
        box.follow("echo", "one", until_line=lambda line: "w" in line, seconds=30)


def test_a_command_that_fails_breaks_unless_that_is_the_question(lab, monkeypatch):
    container, _ = lab
    box = container.Container(0)
    monkeypatch.setattr(box, "_enter", lambda: ["env"])
    assert isinstance(box.run("false", ask=True), subprocess.CompletedProcess)
    with pytest.raises(container.Broken, match="code 3: oh"):
        box.run("sh", "-c", "echo oh >&2; exit 3")
