"""Train with several processes or machines at once. Each computes its part of every batch; together they take one step.

The engine is Keras's data parallelism over JAX's processes: the step is compiled for the whole batch, so losses that
compare chips, and batch normalisation, span all processes. Every process holds all chips and makes the same draws.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copy2

from edgeface.errors import ConfigError
from edgeface_train.journal import CHECKPOINT, LOG, RECIPE


@dataclass(frozen=True, slots=True)
class Team:
    """The processes of one training run, and which of them this is."""

    coordinator: str = ""
    """HOST:PORT of the first process; empty where there is one process alone."""
    size: int = 1
    number: int = 0
    """Of this process, from 0."""

    def __post_init__(self) -> None:
        if self.size < 1 or not 0 <= self.number < self.size:
            raise ConfigError(f"process {self.number} of {self.size} cannot be", hint="count processes from 0")
        if self.size > 1 and not self.coordinator.rpartition(":")[0]:
            raise ConfigError(
                f"the coordinator is {self.coordinator!r}",
                hint="give --coordinator HOST:PORT, the same for every process: a free port of the first one's machine",
            )

    @property
    def leads(self) -> bool:
        """Whether this process reports and keeps the run."""
        return self.number == 0

    def part(self, count: int) -> slice:
        """Return the rows of a batch of `count` that this process computes."""
        if count % self.size:
            raise ConfigError(
                f"a step of {count} chips cannot be shared evenly by {self.size} processes",
                hint="change the stage's batch (in triplet stages a third of it, rounded down, counts)",
            )
        share = count // self.size
        return slice(self.number * share, (self.number + 1) * share)

    def join(self) -> None:
        """Meet the other processes, before any network is built. Raise ConfigError on another backend than JAX."""
        if self.size == 1:
            return
        if os.environ.setdefault("KERAS_BACKEND", "jax") != "jax":
            raise ConfigError(
                f"several processes train on JAX alone, and KERAS_BACKEND is {os.environ['KERAS_BACKEND']!r}",
                hint="unset KERAS_BACKEND, or set it to jax",
            )
        import jax
        import keras

        jax.distributed.initialize(self.coordinator, self.size, self.number)
        whole = keras.distribution.DataParallel(devices=keras.distribution.list_devices(), auto_shard_dataset=False)
        keras.distribution.set_distribution(whole)


ALONE = Team()


@contextmanager
def run_folder(run: Path, team: Team) -> Iterator[Path]:
    """Give the leader the run's folder, and each other process a copy of where it stands, which is thrown away."""
    if team.leads:
        yield run
        return
    with tempfile.TemporaryDirectory(prefix="edgeface-") as folder:
        for name in (CHECKPOINT, LOG, RECIPE):
            if (run / name).exists():
                copy2(run / name, folder)
        yield Path(folder)
