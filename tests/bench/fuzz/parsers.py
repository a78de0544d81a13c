"""The parsers that are fuzzed: for each, inputs to begin from, how to change them, and what reads them.

A parser may return or raise EdgefaceError with a message of one line; anything else is a crash. To add one, write a
function that takes a scratch folder and returns what parses bytes, a list of seeds in `seeds.py`, and a row in
PARSERS. What is imported inside that function is watched for coverage.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.fuzz import mutate, seeds
from tests.bench.fuzz.mutate import Mutate

Parse = Callable[[bytes], object]


@dataclass(frozen=True)
class Parser:
    """One parser of hostile input."""

    prepare: Callable[[Path], Parse]
    """Takes a scratch folder."""
    seeds: Callable[[], list[bytes]]
    mutate: Mutate
    share: float
    """Of all executions; the shares of a table are relative to each other."""
    most_bytes: int = 4096


def image(folder: Path) -> Parse:
    """A photo of any format."""
    from edgeface.drivers.photos import read_photo

    path = folder / "photo"

    def parse(content: bytes) -> None:
        path.write_bytes(content)
        pixels = read_photo(path)
        assert pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == "uint8", pixels.shape

    return parse


def card(folder: Path) -> Parse:
    """A bundle's model.json, and what is done as it says when it can be read."""
    from edgeface.card import CARD_NAME, read_bundle
    from edgeface.drivers.embedder import TfliteEmbedder, decode_chip
    from tests.fixtures import TINY_BUNDLE

    path = folder / CARD_NAME
    (folder / "model-int8.tflite").write_bytes((TINY_BUNDLE / "model-int8.tflite").read_bytes())

    def parse(content: bytes) -> None:
        path.write_bytes(content)
        bundle = read_bundle(folder)
        bundle.threshold(0.001)
        decode_chip(bundle.card.golden_chip)
        TfliteEmbedder(bundle)

    return parse


def model(folder: Path) -> Parse:
    """A bundle's .tflite whose digest is right: verified, opened by the runtime and run once."""
    from dataclasses import replace
    from hashlib import sha256

    from edgeface.card import Bundle, read_bundle
    from edgeface.drivers.embedder import TfliteEmbedder
    from tests.fixtures import TINY_BUNDLE

    card = read_bundle(TINY_BUNDLE).card

    def parse(content: bytes) -> None:
        (folder / "model.tflite").write_bytes(content)
        forged = replace(card.files["int8"], path="model.tflite", sha256=sha256(content).hexdigest())
        TfliteEmbedder(Bundle(folder, replace(card, files={"int8": forged})))

    return parse


def signature(folder: Path) -> Parse:
    """A bundle's model.json.sig."""
    from edgeface.drivers.signing import SIGNATURE_NAME, signers

    path = folder / SIGNATURE_NAME

    def parse(content: bytes) -> None:
        path.write_bytes(content)
        signers(folder, seeds.SIGNED)

    return parse


def config(folder: Path) -> Parse:
    """A settings file; what it gives must survive being written out."""
    from edgeface.config import effective, load

    path, again = folder / "config.toml", folder / "again.toml"

    def parse(content: bytes) -> None:
        path.write_bytes(content)
        settings = load([path])
        again.write_text(effective(settings), encoding="utf-8")
        assert load([again]) == settings, settings

    return parse


def option(_: Path) -> Parse:
    """A setting of the command line, section.key=value."""
    from edgeface.config import load

    def parse(content: bytes) -> None:
        load([], [content.decode("utf-8", "surrogateescape")])

    return parse


def people(folder: Path) -> Parse:
    """The people inside a file for another device."""
    from edgeface.drivers.parcel import unpack

    def parse(content: bytes) -> None:
        parcel = unpack(content, folder / "family.people")
        for person in parcel.people:
            assert all(len(look.vector) == parcel.size for look, _, _ in person.embeddings(parcel.model))

    return parse


def sealed(folder: Path) -> Parse:
    """The sealed file itself; the key is made at a low cost here."""
    from edgeface.drivers import sealed

    sealed.COST = seeds.COST
    path = folder / "family.people"

    def parse(content: bytes) -> None:
        path.write_bytes(content)
        sealed.unseal(path, seeds.PASSPHRASE)

    return parse


def backup(folder: Path) -> Parse:
    """A gallery or backup: verified, then restored into a gallery that is searched."""
    import numpy as np

    from edgeface.core.types import Embedding
    from edgeface.drivers.gallery_restore import restore, verify
    from edgeface.drivers.store import Gallery
    from tests.bench.operations import MODEL

    path, gallery = folder / "backup.db", folder / "restored" / "gallery.db"

    def parse(content: bytes) -> None:
        path.write_bytes(content)
        for left in gallery.parent.glob("*"):
            left.unlink()
        found = verify(path)
        restore(path, gallery, force=True, now=0)
        with Gallery(gallery, MODEL) as opened:
            assert len(opened.people()) == found.people
            opened.nearest(Embedding(np.ones(4, np.float32) / 2, MODEL), 1)

    return parse


def cohort(folder: Path) -> Parse:
    """A bundle's file of strangers whose digest is right."""
    from dataclasses import replace
    from hashlib import sha256

    from edgeface.card import Bundle, CohortFile, read_bundle
    from edgeface.cohort_file import read_cohort
    from tests.fixtures import TINY_BUNDLE

    card = read_bundle(TINY_BUNDLE).card

    def parse(content: bytes) -> None:
        (folder / "cohort.npy").write_bytes(content)
        forged = CohortFile("cohort.npy", sha256(content).hexdigest(), seeds.STRANGERS, 0.0, 1.0, 0.0, 1)
        read = read_cohort(Bundle(folder, replace(card, cohorts={card.default_variant: forged})))
        assert read is not None
        assert read.vectors.shape == (seeds.STRANGERS, card.embedding_size), read.vectors.shape

    return parse


def request(_: Path) -> Parse:
    """What is sent to the daemon's control socket."""
    import socket

    from edgeface.app.asks import read_ask
    from edgeface.drivers.control_server import LONGEST_REQUEST
    from edgeface.drivers.control_wire import Wire

    def parse(content: bytes) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(content + b"\n")
            theirs.shutdown(socket.SHUT_WR)
            message = Wire(ours, longest=LONGEST_REQUEST).read(5.0)
        if message is not None:
            read_ask(message)

    return parse


PARSERS: dict[str, Parser] = {
    "image": Parser(image, seeds.images, mutate.picture, 25),
    "card": Parser(card, seeds.cards, mutate.one_of(mutate.json_tree, mutate.json_tree, mutate.scramble), 20, 1 << 16),
    "model": Parser(model, seeds.models, mutate.words, 3, 1 << 16),
    "signature": Parser(signature, seeds.signatures, mutate.scramble, 5),
    "config": Parser(config, seeds.configs, mutate.toml_lines, 20),
    "option": Parser(option, seeds.options, mutate.scramble, 10, 256),
    "people": Parser(people, seeds.parcels, mutate.one_of(mutate.json_tree, mutate.json_tree, mutate.scramble), 15),
    "sealed": Parser(sealed, seeds.sealed_files, mutate.scramble, 5),
    "cohort": Parser(cohort, seeds.cohorts, mutate.scramble, 5, 1 << 14),
    "request": Parser(
        request, seeds.requests, mutate.one_of(mutate.json_tree, mutate.json_tree, mutate.scramble), 10, 8192
    ),
    "backup": Parser(backup, seeds.backups, mutate.scramble, 2, 1 << 17),
}
