"""Three models that see colours in their own ways, and a gallery that goes from one to another."""

from dataclasses import replace
from pathlib import Path

from edgeface import wiring
from edgeface.card import read_bundle, write_bundle
from edgeface.drivers.store import Gallery
from tests.fakes import (
    MODEL,
    NEW_MODEL,
    ColourEmbedder,
    HueEmbedder,
    Square,
)

KEEP = ("-o", "gallery.keep_chips=plain")
THIRD = "cd" * 32


class ThirdEmbedder(ColourEmbedder):
    model = THIRD

    def embed(self, chips):
        return [replace(embedding, model=THIRD) for embedding in super().embed(chips)]


def make_embedder(config, bundle):
    known = {MODEL: ColourEmbedder, NEW_MODEL: HueEmbedder, THIRD: ThirdEmbedder}
    return known[bundle.variant(config.recognition.variant).sha256]()


def put_models(painted, monkeypatch, folder):
    """Two models, whose files nobody looks into."""
    monkeypatch.setattr(wiring, "make_embedder", make_embedder)
    monkeypatch.setattr("edgeface.succession.check_files", lambda bundle: None)
    for name, digest in (("new", NEW_MODEL), ("third", THIRD)):
        card = read_bundle(painted).card
        file = replace(card.files["int8"], sha256=digest, thresholds={"0.01": 0.7, "0.001": 0.9})
        write_bundle(folder / name, replace(card, name=name, files={"int8": file}), {"int8": name.encode()})


def enroller(cli, picture):
    def run(name, colour, *options):
        photo = picture(f"{name}.png", Square(colour))
        return cli("enroll", "--name", name, photo, *options)

    return run


def who(cli, photo, *options):
    ended = cli("identify", photo, "--json", *options)
    assert ended.code == 0, ended.err
    return [face["name"] for line in ended.objects for face in line["faces"]]


def gallery_file():
    return Path("home/.local/state/edgeface/gallery.db")


def models_of(table):
    with Gallery(gallery_file(), MODEL, read_only=True) as gallery:
        return {model for (model,) in gallery._open.execute(f"SELECT DISTINCT model FROM {table}")}
