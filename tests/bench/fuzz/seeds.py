"""Inputs to begin from, made at run time of the package's own files and a portrait of scikit-image's."""

import base64
import dataclasses
import json
import sqlite3
import tempfile
from contextlib import closing
from io import BytesIO
from pathlib import Path

import numpy as np

from tests.bench.fuzz.plain import plain_networks
from tests.fixtures import TINY_BUNDLE

PASSPHRASE = "correct horse battery staple"
STRANGERS = 100
"""Of a cohort: the fewest that are of use."""
COST = 2
"""Of scrypt, so that a sealed file is opened thousands of times a second."""


def images() -> list[bytes]:
    """Return small pictures in every format and mode that a photo has, and in some that it must not have."""
    import PIL.Image
    from skimage import data

    face = PIL.Image.fromarray(data.astronaut()[60:188, 160:288]).resize((24, 24))
    exif = PIL.Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    clear = face.copy()
    clear.putalpha(128)
    depth = PIL.Image.fromarray(np.asarray(face.convert("L")).astype(np.uint16) << 8)
    wanted = [
        (face, "JPEG", {"exif": exif}),
        (face, "JPEG", {"progressive": True, "subsampling": 0}),
        (face.convert("CMYK"), "JPEG", {}),
        (face.convert("L"), "JPEG", {}),
        (face, "PNG", {"exif": exif, "icc_profile": bytes(200)}),
        (clear, "PNG", {}),
        (face.quantize(8), "PNG", {"transparency": 0}),
        (depth, "PNG", {}),
        (face.convert("1"), "PNG", {}),
        (face, "WEBP", {"exif": exif}),
        (clear, "WEBP", {"lossless": True}),
        (face, "BMP", {}),
        (face.quantize(8), "BMP", {}),
        (face, "GIF", {}),
        (face, "TIFF", {}),
        (face, "ICO", {}),
    ]
    return [_encoded(picture, kind, **options) for picture, kind, options in wanted]


def _encoded(picture, kind: str, **options) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def cards() -> list[bytes]:
    """Return the card of the small bundle, as it is and with a small picture of each format inside."""
    card = json.loads((TINY_BUNDLE / "model.json").read_text())
    card["files"] = {"int8": card["files"]["int8"]}
    card["training"] = {}
    inside = [card["golden_chip"], *(base64.b64encode(picture).decode() for picture in images()[4:14])]
    return [json.dumps({**card, "golden_chip": chip}).encode() for chip in inside]


def models() -> list[bytes]:
    """Return the small bundle's files, and of the operators that these have not, one each."""
    return [*(path.read_bytes() for path in sorted(TINY_BUNDLE.glob("*.tflite"))), *plain_networks()]


SIGNED = b"{}"


def signatures() -> list[bytes]:
    """Return the signature of two keys."""
    from edgeface.drivers.signing import SIGNATURE_NAME, make_key, sign

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.json").write_bytes(SIGNED)
        for key in ("one.pem", "two.pem"):
            make_key(folder / key)
            sign(folder, folder / key)
        return [(folder / SIGNATURE_NAME).read_bytes()]


def configs() -> list[bytes]:
    """Return settings: none, all of them, a section each, a sink each."""
    from edgeface.config import Config, commented_default, effective

    lines = [line.removeprefix("# ") for line in commented_default().splitlines() if "= " in line or "[" in line]
    blocks = "\n".join(line for line in lines if line.startswith("[") or " = " in line).split("\n[")
    return [b"", effective(Config()).encode(), *(f"[{block.removeprefix('[')}\n".encode() for block in blocks)]


def options() -> list[bytes]:
    """Return a setting of each section."""
    from edgeface.config import LISTS, Config

    names = [section.name for section in dataclasses.fields(Config) if section.name not in LISTS]
    sections = [(name, getattr(Config(), name)) for name in names]
    return [
        f"{section}.{key.name}={getattr(values, key.name)}".encode()
        for section, values in sections
        for key in dataclasses.fields(values)
    ] + [b'sink.kind="file"', b'cameras.name="door"']


def parcels() -> list[bytes]:
    """Return two people with three looks, as they are inside a file for another device."""
    looks = [{"vector": _vector(place), "source": "ada.jpg", "created": 1.5e9 + place} for place in range(3)]
    people = [{"name": "Ada", "enrolled": 1e9, "looks": looks[:2]}, {"name": "Bo", "enrolled": 2e9, "looks": looks[2:]}]
    return [json.dumps({"format": 1, "model": "ab" * 32, "people": people[:count]}).encode() for count in (1, 2)]


def _vector(place: int) -> str:
    vector = np.zeros(4, "<f4")
    vector[place] = 1
    return base64.b64encode(vector.tobytes()).decode()


def sealed_files() -> list[bytes]:
    """Return the same people, sealed."""
    from edgeface.drivers import sealed

    before, sealed.COST = sealed.COST, COST
    try:
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "family.people"
            sealed.seal(path, parcels()[0], PASSPHRASE)
            return [path.read_bytes()]
    finally:
        sealed.COST = before


def backups() -> list[bytes]:
    """Return a gallery with people, one without, and files of SQLite that are traps."""
    from edgeface.core.types import Embedding
    from edgeface.drivers.gallery_backup import copy_gallery
    from edgeface.drivers.store import Gallery
    from tests.bench.operations import MODEL

    made = []
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "gallery.db"
        with Gallery(path, MODEL) as gallery:
            for place, person in enumerate(("Ada", "Bo")):
                chip = np.full((112, 112, 3), place, np.uint8)
                gallery.add(person, [Embedding(np.eye(4, dtype=np.float32)[place], MODEL)], chips=[chip])
                copy_gallery(path, Path(name) / f"{person}.db")
                made.append((Path(name) / f"{person}.db").read_bytes())
        return made + [
            _trap(Path(name) / "Bo.db", Path(name) / f"trap-{place}.db", trap) for place, trap in enumerate(TRAPS)
        ]


COUNTING = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
ENDLESS = f"{COUNTING} SELECT i AS id, 'x' AS name, 0 AS enrolled_at FROM n"
TRAPS = (
    f"PRAGMA foreign_keys = OFF; ALTER TABLE people RENAME TO others; CREATE VIEW people AS {ENDLESS}",
    "CREATE TRIGGER again AFTER INSERT ON people BEGIN INSERT INTO people SELECT NULL, hex(randomblob(9)), 0; END",
    "CREATE INDEX slow ON people (length(zeroblob(length(name) * 100000000)))",
)
"""What makes a file of SQLite more than rows: code that runs when it is read or written."""


def _trap(gallery: Path, path: Path, statements: str) -> bytes:
    path.write_bytes(gallery.read_bytes())
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(statements)
    return path.read_bytes()


def cohorts() -> list[bytes]:
    """Return strangers of the tiny bundle's size."""
    from edgeface.card import read_bundle

    file = BytesIO()
    size = read_bundle(TINY_BUNDLE).card.embedding_size
    np.save(file, np.random.default_rng(1).integers(-127, 128, (STRANGERS, size)).astype(np.int8))
    return [file.getvalue()]


def requests() -> list[bytes]:
    """Return each request to the daemon, with all it may say."""
    from edgeface.app.asks import SHAPES

    said = {"name": "ada", "seconds": 5.0, "force": False, "gallery": "/var/lib/edgeface/gallery.db"}
    shapes = {ask: {key.name for key in dataclasses.fields(shape)} for ask, shape in SHAPES.items()}
    return [
        json.dumps({"ask": ask} | {key: value for key, value in said.items() if key in keys}).encode()
        for ask, keys in shapes.items()
    ]
