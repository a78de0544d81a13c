"""A run's folder: the recipe as resolved, a JSON-lines log, checkpoints, TensorBoard scalars."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeface.errors import TrainingError

CHECKPOINT = "checkpoint.npz"
LOG = "log.jsonl"
RECIPE = "recipe.json"
LOCK = "lock"


class Journal:
    """The log of one run. Resuming cuts it back to the checkpoint, so that every line stands once."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG
        self._boards = folder / "tensorboard"

    def size(self) -> int:
        """Return the log's length in bytes, to be kept in a checkpoint."""
        return self._path.stat().st_size if self._path.exists() else 0

    def rewind(self, size: int) -> None:
        """Forget what was written after a checkpoint."""
        if self._path.exists():
            os.truncate(self._path, size)

    def write(self, entry: dict[str, Any]) -> None:
        """Append one entry."""
        with self._path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")

    def entries(self) -> list[dict[str, Any]]:
        """Return everything written so far, oldest first."""
        return list(read_log(self._path))

    def write_tensorboard(self) -> None:
        """Write the log's numbers as TensorBoard scalars, whole, in place of what was there."""
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        protos: Any = summary_pb2
        events: Any = event_pb2
        if self._boards.exists():
            for old in self._boards.iterdir():
                old.unlink()
        writer = EventFileWriter(str(self._boards))
        for step, entry in enumerate(self.entries()):
            for key, value in entry.items():
                if isinstance(value, (int, float)) and key not in ("stage", "round", "epoch", "at"):
                    scalar = protos.Summary.Value(tag=f"{entry['event']}/{key}", simple_value=float(value))
                    summary = protos.Summary(value=[scalar])
                    writer.add_event(events.Event(step=step, wall_time=entry["at"], summary=summary))
        writer.close()


def lock(folder: Path) -> int:
    """Keep other processes out of a run's folder until the returned descriptor is closed or this process ends."""
    import fcntl

    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise TrainingError(
            f"run {folder} is being trained by another process", hint="wait for it, or choose another folder with --out"
        ) from error
    return descriptor


def read_log(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries of a run's log."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def save_checkpoint(folder: Path, position: dict[str, Any], arrays: dict[str, npt.NDArray]) -> None:
    """Write a checkpoint so that a power cut leaves either the old one or the new one."""
    draft = folder / (CHECKPOINT + ".new")
    with draft.open("wb") as file:
        np.savez(file, position=np.array(json.dumps(position)), **arrays)  # pyright: ignore[reportArgumentType] (stub)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / CHECKPOINT)


def load_checkpoint(folder: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray]]:
    """Return the position and the arrays of a run's last checkpoint. Raise TrainingError when there is none."""
    path = folder / CHECKPOINT
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"run {folder} has no checkpoint that can be read", hint="start it without --resume"
        ) from error
    return json.loads(str(arrays.pop("position"))), arrays
