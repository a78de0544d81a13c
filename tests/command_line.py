"""Run a command line in this process and see how it ends."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from edgeface.cli.main import main


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[Any]:
        """The lines of standard output, read as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


def run_command(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ended:
    """Run `edgeface` with these words."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    written = capsys.readouterr()
    code = ended.value.code or 0
    assert isinstance(code, int)
    return Ended(code, written.out, written.err)
