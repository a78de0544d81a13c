"""The doctor reports everything that is wrong, with advice."""

import platform

import pytest

from edgeface.app.doctor import Finding, examine, python_version, word_size
from edgeface.errors import HardwareError, ModelError


def failing():
    raise ModelError("model file x is not the one its card describes", hint="copy the bundle again")


def test_a_failing_check_gives_its_advice_and_the_others_still_run():
    findings = examine([("first", lambda: "fine"), ("model", failing), ("last", lambda: "fine too")])
    assert findings == [
        Finding("first", True, "fine"),
        Finding("model", False, "model file x is not the one its card describes", "copy the bundle again"),
        Finding("last", True, "fine too"),
    ]


def test_this_python_will_do():
    assert python_version() == platform.python_version()


def test_a_32_bit_system_is_refused_with_the_way_out():
    assert word_size().startswith("64-bit")
    with pytest.raises(HardwareError, match="32-bit") as refusal:
        word_size(largest=2**31 - 1)
    assert "64-bit Raspberry Pi OS" in refusal.value.hint
