"""Let processes work in turns, so that whatever else a machine does slows all of them alike."""

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

from edgeface.drivers.closing import Closing
from edgeface.errors import EdgefaceError

TURN = b"turn\n"
"""What a process says when it waits for its turn, and what it is answered; its result is a line of JSON."""

END_SECONDS = 5.0


class Worker(Closing):
    """A process that says "turn" before each stretch of work, goes on when it is answered, and ends with its result."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._name = " ".join(command[-2:])
        self._complaints: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
        self._process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints
        )
        self.result: dict[str, Any] | None = None
        """What the process has found, once it is done."""

    def __repr__(self) -> str:
        return f"Worker({self._name!r}, {'at work' if self._process.poll() is None else 'ended'})"

    def wait_for_turn(self) -> bool:
        """Wait until the process wants a turn; return False when it is done. Raise EdgefaceError if it fails."""
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if said == TURN:
            return True
        if not said:
            raise EdgefaceError(f"{self._name} ended with exit code {self._process.wait()}: {self._complaint()}")
        self.result = json.loads(said)
        return False

    def give_turn(self) -> bool:
        """Let the process work until it wants another turn; return False when it is done."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(TURN)
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has failed: waiting tells why
        return self.wait_for_turn()

    def close(self) -> None:
        """End the process. A second call does nothing."""
        self._process.kill()
        self._process.wait(END_SECONDS)
        for stream in (self._process.stdin, self._process.stdout, self._complaints):
            if stream is not None:
                with suppress(BrokenPipeError):  # it has ended with a turn still to be read
                    stream.close()

    def _complaint(self) -> str:
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def take_turns(workers: Sequence[Worker]) -> list[dict[str, Any]]:
    """Give each process its turn, round by round, until all are done; return what they found, in their order."""
    at_work = [worker for worker in workers if worker.wait_for_turn()]
    while at_work:
        at_work = [worker for worker in at_work if worker.give_turn()]
    return [worker.result or {} for worker in workers]
