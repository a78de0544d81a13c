"""Watching real processes."""

import sys

import pytest

from edgeface.drivers.fresh import watch_process
from edgeface.errors import EdgefaceError

TALK = "import sys, time; print('hello'); print('name', flush=True); {}"


def python(code):
    return [sys.executable, "-c", code]


def test_the_awaited_line_is_timed_and_the_process_ended_cleanly(tmp_path):
    code = "import signal; signal.signal(signal.SIGTERM, lambda *_: (open('ended', 'w').close(), sys.exit(0)));"
    command = python(f"import os, sys; os.chdir({str(tmp_path)!r}); {code}" + TALK.format("time.sleep(60)"))
    seen = watch_process(command, b"name".__eq__, seconds=0.0)
    assert seen.first_seconds is not None
    assert (tmp_path / "ended").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of another process's memory")
def test_memory_is_the_most_that_was_held():
    hold = "held = bytearray(120_000_000); held[::4096] = b'1' * len(held[::4096]); del held; print('name', flush=True)"
    seen = watch_process(python(f"import time; {hold}; time.sleep(60)"), b"name".__eq__, seconds=0.2)
    assert seen.peak_rss_mb is not None
    assert seen.peak_rss_mb > 120


def test_a_process_that_ends_without_the_line_has_no_time():
    assert watch_process(python("print('other')"), b"name".__eq__, seconds=0.0).first_seconds is None


def test_the_line_may_be_the_last_thing_that_is_said():
    assert watch_process(python("print('name')"), b"name".__eq__, seconds=5.0).first_seconds is not None


def test_patience_ends_with_a_process_that_says_nothing():
    seen = watch_process(python("import time; time.sleep(60)"), b"name".__eq__, seconds=0.0, patience_seconds=0.1)
    assert seen.first_seconds is None


def test_a_failure_is_told_with_its_reason():
    with pytest.raises(EdgefaceError, match=r"ended with exit code 7: no gallery"):
        watch_process(python("import sys; print('no gallery', file=sys.stderr); sys.exit(7)"), bytes.isdigit, seconds=0)
