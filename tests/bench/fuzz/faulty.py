"""Parsers with faults, by which the tests see that the bench finds each kind of fault."""

import ctypes
import time
from pathlib import Path

from edgeface.errors import ConfigError
from tests.bench.fuzz.mutate import scramble
from tests.bench.fuzz.parsers import Parse, Parser


def _faulty(fault: Parse) -> Parser:
    """A parser that refuses everything, but for inputs whose first bit is set."""

    def prepare(_: Path) -> Parse:
        def parse(content: bytes) -> None:
            if content[:1] >= b"\x80":
                fault(content)
            raise ConfigError("well refused")

        return parse

    return Parser(prepare, lambda: [bytes(8)], scramble, 1)


def _raise(content: bytes) -> None:
    raise KeyError(content)


def _untidy(_: bytes) -> None:
    error = ConfigError("told")
    error.hint = "on two\nlines"
    raise error


def _die(_: bytes) -> None:
    ctypes.string_at(0)


def _spin(_: bytes) -> None:
    while True:
        pass


def _wait(_: bytes) -> None:
    time.sleep(3600)


def _hoard(_: bytes) -> None:
    bytearray(2 << 30)


PARSERS = {
    "raises": _faulty(_raise),
    "untidy": _faulty(_untidy),
    "dies": _faulty(_die),
    "spins": _faulty(_spin),
    "waits": _faulty(_wait),
    "hoards": _faulty(_hoard),
}
