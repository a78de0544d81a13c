"""Keep the enrolled people in one SQLite file, and find the nearest of them."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from edgeface.core.names import clean_name
from edgeface.core.types import Embedding, Identity, Image
from edgeface.drivers.audit import append
from edgeface.drivers.closing import Closing
from edgeface.drivers.consent import Consent, read_consents, read_expiries, record_consent
from edgeface.drivers.gallery_chips import Chip, read_chips, write_chips
from edgeface.drivers.gallery_connection import GalleryConnection
from edgeface.drivers.gallery_file import check_writable, reading
from edgeface.drivers.gallery_forget import Receipt, end_memory, finish_naming, forget
from edgeface.drivers.gallery_rows import (
    UNKNOWN,
    Calibrated,
    Person,
    Template,
    read_calibration,
    read_people,
    read_templates,
    write_looks,
    write_person,
)
from edgeface.drivers.gallery_wipe import rewrite
from edgeface.drivers.master_key import Master
from edgeface.drivers.matrix import Matrix, stack
from edgeface.drivers.model_upgrade import Upgrade, open_upgrade, read_upgrades, write_next
from edgeface.drivers.same_model import check_embedding, check_models, check_size, check_upgrade
from edgeface.drivers.vault import Vault, finish_forgetting, open_vault, open_vault_to_write
from edgeface.drivers.visits import Visit, read_visits


class Gallery(Closing):
    """The enrolled people in a file, and an exact `Index` over them.

    `model` is the SHA-256 of the model in use. To search or add to a gallery that another model made raises
    EmbeddingMismatch; listing and forgetting work. What other processes enrol or forget is seen at the next
    call. The file is made when the first person is added, unless `read_only`, which needs one. Every method raises
    StoreError when the file cannot be used.

    `master` gives the master key of an encrypted gallery; without it people can be listed and forgotten. Vectors are
    decrypted when they are read, and are plain in memory only.

    Whose consent is over is never found by `nearest`; without a consent it is over `keep_seconds` after enrolling.
    """

    def __init__(
        self,
        path: Path,
        model: str,
        *,
        read_only: bool = False,
        clock: Callable[[], float] = time.time,
        master: Master | None = None,
        keep_seconds: float | None = None,
    ) -> None:
        self._path = path
        self._model = model
        self._clock = clock
        self._master = master
        self._keep_seconds = keep_seconds
        self._matrix: tuple[tuple[int, int], Matrix] | None = None
        self._unknown: tuple[tuple[int, int], list[Template]] | None = None
        self._file = GalleryConnection(path, read_only=read_only)
        if self._file.has_file and not read_only:
            try:
                with self._file.reading() as rows:
                    finish_forgetting(rows, path)
                    finish_naming(rows, path, now=clock())
            except BaseException:
                self.close()
                raise

    def __repr__(self) -> str:
        return f"Gallery({str(self._path)!r}, {'open' if self._file.is_open else 'closed'})"

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        self._file.close()

    def add(
        self,
        name: str,
        embeddings: Sequence[Embedding],
        source: str = "",
        *,
        chips: Sequence[Image] = (),
        upcoming: Sequence[Embedding] = (),
        unknown: int | None = None,
    ) -> Identity:
        """Store looks at a person, new or known, all of them or none.

        `chips` are their pictures, if they are kept, and `upcoming` the same looks by the model that the gallery is
        being upgraded to, if it is. `unknown` is the number of the unknown person who they are, and who is forgotten.
        Raise ConfigError for an impossible name, EmbeddingMismatch for vectors of another model.
        """
        name = clean_name(name)
        if not embeddings:
            raise ValueError(f"no embedding to store for {name!r}")
        now = self._clock()
        self._check_storable(embeddings)
        self._file.make_file()
        with self.changing_looks():
            self._check_storable(embeddings)  # again: nobody else can add vectors of another model meanwhile
            vault = open_vault_to_write(self._open, self._path, self._master)
            number = write_person(self._open, name, now)
            looks = write_looks(self._open, vault, number, [(embedding, source, now) for embedding in embeddings])
            if chips:
                write_chips(self._open, vault, number, zip(looks, chips, strict=True))
            if upcoming:
                write_next(self._open, vault, number, zip(looks, upcoming, strict=True))
            append(self._open, "enrolled", person=number, at=now, looks=len(embeddings))
            if unknown is not None:
                end_memory(self._open, self._path, unknown)
        if unknown is not None:
            with self._file.errors():
                finish_naming(self._open, self._path, now=now)
        return Identity(number, name)

    def forget(self, name: str) -> int:
        """Erase a person and overwrite their vectors; return how many looks are gone."""
        return self.erase(name).looks

    def erase(self, name: str) -> Receipt:
        """Erase a person, destroy their key, and return what was done. The master key is not needed."""
        return self.erase_row(clean_name(name), "forgotten")

    def people(self) -> list[Person]:
        """Return everybody, sorted by name."""
        with self._file.errors():
            return read_people(self._open)

    def looks_of(self, identity: Identity) -> int:
        """Return how many looks at somebody are stored."""
        return next((person.looks for person in self.people() if person.identity == identity), 0)

    def templates(self) -> list[Template]:
        """Return every look in use, a person's looks together, in the order in which they came."""
        return [template for template in self.looks() if template.set_aside is None]

    def looks(self) -> list[Template]:
        """Return every stored look, those set aside too."""
        with self._file.errors(), reading(self._open):  # before the keys, so that none is younger than they
            vault, upgrade = open_vault(self._open, self._path, self._master), open_upgrade(self._open)
            upcoming = upgrade is not None and upgrade.new == self._model
            return read_templates(self._open, self._path, vault, upcoming=upcoming)

    def upgrade(self) -> Upgrade | None:
        """Return the gallery's last upgrade to another model, ended or going on."""
        with self._file.errors():
            return next(iter(read_upgrades(self._open)[::-1]), None)

    def holds(self, identity: Identity) -> bool:
        """Tell whether somebody has a look of the model in use."""
        return identity in self._fresh_matrix().people

    def beside(self, model: str) -> "Gallery":
        """Open the same file for another model, to search only."""
        return Gallery(
            self._path,
            model,
            read_only=True,
            clock=self._clock,
            master=self._master,
            keep_seconds=self._keep_seconds,
        )

    def wipe(self) -> None:
        """Leave no byte of what was deleted, where no other program keeps reading."""
        with self._file.errors():
            rewrite(self._open)

    def chips(self, person: int | None = None) -> list[Chip]:
        """Return the pictures that are kept of somebody's looks, or of all."""
        with self._file.errors(), reading(self._open):
            vault = open_vault(self._open, self._path, self._master)
            return list(read_chips(self._open, self._path, vault, person))

    def visits(self, person: int | None = None) -> list[Visit]:
        """Return the confirmed visits that are kept, of somebody or of all."""
        with self._file.errors():
            return read_visits(self._open, person)

    def consent(self, name: str, consent: Consent) -> Identity:
        """Note a person's consent. Raise ConfigError when its text or times are impossible."""
        with self.changing_looks() as connection:
            return record_consent(connection, self._path, name, consent)

    def consents(self) -> dict[int, Consent]:
        """Return the consents by the numbers of their people."""
        with self._file.errors():
            return read_consents(self._open)

    def expiries(self) -> dict[int, float]:
        """Return until when each person may be recognised, by number, in Unix seconds; infinite: for ever."""
        with self._file.errors():
            return read_expiries(self._open, self._keep_seconds)

    def unknown_looks(self) -> list[Template]:
        """Return the looks at people who are remembered but not enrolled; see `edgeface.drivers.unknowns`."""
        with self._file.errors():
            version = self._file.version()
            if self._unknown is None or self._unknown[0] != version:
                with reading(self._open):
                    vault = open_vault(self._open, self._path, self._master)
                    self._unknown = (version, read_templates(self._open, self._path, vault, UNKNOWN))
        return self._unknown[1]

    def erase_row(self, stored_name: str, action: str) -> Receipt:
        """Erase somebody by the name that is stored, in the words of the audit log."""
        with self._file.errors():
            receipt = forget(self._open, self._path, stored_name, now=self._clock(), action=action)
        self._matrix = self._unknown = None
        return receipt

    @contextmanager
    def writing(self) -> Iterator[tuple[sqlite3.Connection, Vault]]:
        """Yield the database in a transaction, with what seals vectors; the file is made if there is none."""
        self._file.make_file()
        with self.changing_looks() as connection:
            yield connection, open_vault_to_write(connection, self._path, self._master)

    def reading_rows(self) -> AbstractContextManager[sqlite3.Connection]:
        """Yield the database to read from."""
        return self._file.reading()

    def now(self) -> float:
        """Return the time, in Unix seconds."""
        return self._clock()

    @property
    def path(self) -> Path:
        """The gallery's file."""
        return self._path

    def changing(self) -> AbstractContextManager[sqlite3.Connection]:
        """Yield the database in a transaction, for a change that is kept when the block ends well."""
        return self._file.changing()

    @contextmanager
    def changing_looks(self) -> Iterator[sqlite3.Connection]:
        """Do so where it changes whom anybody is compared with."""
        try:
            with self._file.changing() as connection:
                yield connection
        finally:
            self._matrix = self._unknown = None

    def calibration(self) -> Calibrated | None:
        """Return what this household was calibrated to for the model in use, if it was."""
        with self._file.errors():
            return read_calibration(self._open, self._model)

    def nearest(self, query: Embedding, k: int) -> list[tuple[Identity, float]]:
        """Return up to k different people and their best cosine, nearest first; ties by who came first."""
        matrix = self._fresh_matrix()
        check_embedding(query, matrix, self._model, self._path)
        return matrix.nearest(query.vector, k, now=self._clock())

    def check_models(self, looks: Sequence[Template]) -> None:
        """Raise EmbeddingMismatch unless the model in use made all of these looks."""
        check_models({look.embedding.model for look in looks}, self._model, self._path)

    def check_writable(self) -> None:
        """Raise StoreError when nobody could be enrolled: read-only, locked or the disk is full."""
        check_writable(self._open, self._path)

    @property
    def _open(self) -> sqlite3.Connection:
        return self._file.rows

    def _fresh_matrix(self) -> Matrix:
        """Return the templates in memory, read again if another process changed the file."""
        with self._file.errors():
            version = self._file.version()
        if self._matrix is None or self._matrix[0] != version:
            self._matrix = (version, stack(self.templates(), self.expiries(), self._path))
        return self._matrix[1]

    def _check_storable(self, embeddings: Sequence[Embedding]) -> None:
        check_upgrade(self.upgrade(), self._model, self._path)
        matrix = self._fresh_matrix()
        for embedding in embeddings:
            check_embedding(embedding, matrix, self._model, self._path)
            check_size(embedding, len(embeddings[0].vector))
