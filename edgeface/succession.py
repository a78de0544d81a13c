"""Which model a gallery uses now and which it is being upgraded to, and the steps from the one to the other."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from edgeface import wiring, wiring_household, wiring_sightings
from edgeface.app.enroll import Enroller
from edgeface.app.sides import Successor
from edgeface.card import SHIPPED_BUNDLES, Bundle
from edgeface.config import Config
from edgeface.core.protocols import Embedder
from edgeface.drivers import model_upgrade
from edgeface.drivers.gallery_backup import backup
from edgeface.drivers.gallery_chips import decode_chip
from edgeface.drivers.gallery_file import open_any_version, require
from edgeface.drivers.gallery_forget import Receipt
from edgeface.drivers.model_shelf import install, shelf_folder
from edgeface.drivers.model_upgrade import Moving, Upgrade
from edgeface.drivers.store import Gallery
from edgeface.drivers.verify_bundle import check_files
from edgeface.errors import ModelError

BACKUPS = "backups"
"""The folder beside the gallery where the backup goes that is made before the old model is retired."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an upgrade is."""

    upgrade: Upgrade
    people: list[Moving]

    @property
    def moved(self) -> int:
        """How many people the new model can name."""
        return sum(person.moved > 0 for person in self.people)

    @property
    def waiting(self) -> list[str]:
        """Who must be enrolled again, or else cannot be recognised once the old model is retired."""
        return [person.name for person in self.people if not person.moved]

    @property
    def looks_behind(self) -> int:
        """Looks of those who are moved that have no picture, and go with the old model."""
        return sum(person.looks - person.moved for person in self.people if person.moved)


@dataclass(frozen=True, slots=True)
class Finished:
    """An upgrade that has ended."""

    upgrade: Upgrade
    backup: Path
    """The gallery as it was before."""
    strangers: list[Receipt]
    """Of the people who were remembered without being enrolled: they go with the old model."""


def in_use(config: Config) -> Config:
    """Return the settings with the model that made the gallery's looks: the configured one, or what came after it."""
    last = _applies(config)
    return _with_model(config, (last.old if last.ended is None else last.new)) if last else config


def upcoming(config: Config) -> Config | None:
    """Return the settings with the model that the gallery is being upgraded to, if it is."""
    last = _applies(config)
    return _with_model(config, last.new) if last and last.ended is None else None


@contextmanager
def successor(config: Config, gallery: Gallery) -> Iterator[Successor | None]:
    """Open the model that an open gallery is being upgraded to, with those who are moved; None while it is not."""
    coming = upcoming(config)
    if coming is None:
        yield None
        return
    bundle = wiring.read_model(coming)
    embedder = wiring.make_embedder(coming, bundle)
    with gallery.beside(embedder.model) as moved:
        policy = wiring_household.household_policy(coming, wiring.make_policy(coming, bundle), moved)
        yield Successor(embedder, moved, policy)


@contextmanager
def enrolling(
    config: Config,
    ask: Callable[[], str] | None = None,
    *,
    live: bool,
    shared: Callable[[Config], wiring.Parts | None] | None = None,
) -> Iterator[tuple[Enroller, Gallery]]:
    """Open what adds people to the gallery, for one model or for both; `live` frames are searched as `run` does.

    `shared` returns parts that somebody uses already, if they are what settings with the model in use give.
    """
    used = in_use(config)
    parts = (shared(used) if shared else None) or wiring.make_parts(used, live=live)
    with wiring.open_gallery(used, parts.embedder.model, ask=ask) as gallery, successor(config, gallery) as coming:
        yield wiring.make_enroller(used, wiring.for_household(used, parts, gallery), gallery, coming), gallery


def begin(config: Config, folder: str, variant: str, *, now: float) -> Config:
    """Prove a bundle, keep it beside the gallery, and let both models be in use; return the settings of the new one.

    A kill in between leaves the old model alone in use. Raise ModelError when the bundle is unusable or another
    upgrade is going on, EmbeddingMismatch when the configured model did not make the gallery.
    """
    require(Path(config.gallery.path))
    now_used = in_use(config)
    old = _digest(now_used, wiring.read_model(now_used))
    coming = _settings_of(config, folder, variant)
    bundle = wiring.read_model(coming)
    check_files(bundle)
    new = wiring.make_embedder(coming, bundle).model
    wiring.make_policy(coming, bundle)
    with wiring.open_gallery(now_used, old) as gallery, gallery.changing() as connection:
        model_upgrade.begin(connection, old, new, now=now)
        install(bundle, new, Path(config.gallery.path))
    return _with_model(config, new)


def move(
    config: Config, *, ask: Callable[[], str] | None = None, on_person: Callable[[int], None] = lambda _: None
) -> int:
    """Embed the looks of which a picture is kept with the new model, a person at a time; return how many looks.

    Killed at any moment, the next call goes on with what is left. Raise ModelError when no upgrade is going on.
    """
    coming, path = upcoming(config), Path(config.gallery.path)
    if coming is None:
        raise ModelError("no upgrade is going on", hint="`edgeface model upgrade BUNDLE` begins one")
    embedder = wiring.make_embedder(coming, wiring.read_model(coming))
    with wiring.open_gallery(config, "", ask=ask) as gallery:
        return move_looks(gallery, path, embedder, on_person)


def move_looks(
    gallery: Gallery, path: Path, embedder: Embedder, on_person: Callable[[int], None] = lambda _: None
) -> int:
    """Do so in an open gallery; each person is one transaction."""
    moved = 0
    with gallery.reading_rows() as connection:
        unmoved = model_upgrade.unmoved_looks(connection)
    for done, (person, looks) in enumerate(unmoved.items(), 1):
        pictures = [chip for chip in gallery.chips(person) if chip.look in looks]
        vectors = embedder.embed([decode_chip(chip.png, path) for chip in pictures])
        coming = [(chip.look, vector) for chip, vector in zip(pictures, vectors, strict=True)]
        with gallery.writing() as (connection, vault):
            moved += model_upgrade.write_next(connection, vault, person, coming)
        on_person(done)
    return moved


def progress(config: Config) -> Progress | None:
    """Return how far the gallery's upgrade is; None while none is going on."""
    path = Path(config.gallery.path)
    upgrades = model_upgrade.upgrades_of(path)
    if not upgrades or upgrades[-1].ended is not None:
        return None
    with closing(open_any_version(path)) as connection:
        return Progress(upgrades[-1], model_upgrade.progress(connection))


def finish(config: Config, *, now: float) -> Finished:
    """Back the gallery up, then retire the old model: its vectors are deleted and overwritten.

    Raise ModelError when no upgrade is going on or nobody is moved, StoreError when no backup can be made; the gallery
    is then unchanged.
    """
    path, reached = Path(config.gallery.path), progress(config)
    if reached is None:
        raise ModelError("no upgrade is going on", hint="`edgeface model upgrade BUNDLE` begins one")
    if reached.people and not reached.moved:
        raise ModelError(
            "nobody is moved to the new model yet: all would be strangers",
            hint="enrol somebody again first, or `edgeface model upgrade --cancel`",
        )
    made = backup(path, path.parent / BACKUPS, keep=None, now=now)
    with wiring.open_gallery(config, "") as gallery:
        with gallery.changing() as connection:
            ended = model_upgrade.finish(connection, now=now)
        gallery.wipe()
        strangers = wiring_sightings.open_unknowns(config, gallery).drop_lost()
    return Finished(ended, made.path, strangers)


def finish_if_done(config: Config) -> Finished | None:
    """Do so when everybody is moved."""
    reached = progress(config)
    return None if reached is None or reached.waiting else finish(config, now=time.time())


def cancel(config: Config, *, now: float) -> Upgrade:
    """Forget the new model's vectors and go on with the old model alone. Raise ModelError when none is going on."""
    require(Path(config.gallery.path))
    with wiring.open_gallery(config, "") as gallery:
        with gallery.changing() as connection:
            upgrade = model_upgrade.cancel(connection, now=now)
        gallery.wipe()
    return upgrade


def _applies(config: Config) -> Upgrade | None:
    """Return the last upgrade, unless the settings name a model that the gallery never had."""
    upgrades = model_upgrade.upgrades_of(Path(config.gallery.path))
    if not upgrades:
        return None
    known = {model for each in upgrades for model in (each.old, each.new)}
    is_known = not config.recognition.model or _digest(config, wiring.read_model(config)) in known
    return upgrades[-1] if is_known else None


def _digest(config: Config, bundle: Bundle) -> str:
    return bundle.variant(config.recognition.variant).sha256


def _with_model(config: Config, model: str) -> Config:
    """Return the settings with the bundle that has a model's file: the configured one, a shipped or a kept one."""
    if _digest(config, wiring.read_model(config)) == model:
        return config
    others = [*SHIPPED_BUNDLES.values(), shelf_folder(Path(config.gallery.path), model)]
    for place in [config.recognition.model, *(str(folder) for folder in others if folder.is_dir())]:
        bundle = wiring.read_model(_settings_of(config, place, ""))
        for variant, file in bundle.card.files.items():
            if file.sha256 == model:
                return _settings_of(config, place, variant)
    raise ModelError(
        f"model {model[:12]}… of gallery {config.gallery.path} is not on this device",
        hint="name its bundle with --model",
    )


def _settings_of(config: Config, folder: str, variant: str) -> Config:
    """Return the settings with another bundle; a configured threshold is of the configured model and left out."""
    return replace(config, recognition=replace(config.recognition, model=folder, variant=variant, threshold=None))
