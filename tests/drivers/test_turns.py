"""Real processes that work in turns."""

import os
import sys

import pytest

from edgeface.drivers.turns import Worker, take_turns
from edgeface.errors import EdgefaceError

WORK = """
import json, sys
for number in range({turns}):
    sys.stdout.write("turn\\n"); sys.stdout.flush()
    assert sys.stdin.readline() == "turn\\n"
    with open({log!r}, "a") as log: log.write({name!r})
print(json.dumps({{"name": {name!r}}}))
"""


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def worker(code):
    return Worker([sys.executable, "-c", code], os.environ)


def test_each_works_when_it_is_its_turn_until_all_are_done(log):
    first, second = (WORK.format(turns=turns, log=str(log), name=name) for name, turns in (("a", 4), ("b", 2)))
    with worker(first) as a, worker(second) as b:
        assert take_turns([a, b]) == [{"name": "a"}, {"name": "b"}]
    assert log.read_text() == "ababaa"


def test_a_process_that_fails_is_told_with_its_last_words():
    with worker("import sys; sys.exit('no face')") as failing, pytest.raises(EdgefaceError, match="code 1: no face"):
        take_turns([failing])


def test_a_process_that_fails_at_work_is_told_too():
    code = "import sys; print('turn', flush=True); sys.stdin.close(); sys.exit('tired')"
    with worker(code) as failing, pytest.raises(EdgefaceError, match="code 1: tired"):
        take_turns([failing])


def test_closing_ends_a_process_and_may_be_repeated():
    waiting = worker("import time; time.sleep(60)")
    assert "at work" in repr(waiting)
    waiting.close()
    waiting.close()
    assert "ended" in repr(waiting)
