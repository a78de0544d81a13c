"""Read a folder of aligned chips into one array, and split it by person."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from edgeface.core.align import CHIP_SIZE
from edgeface.core.types import Image
from edgeface.errors import ConfigError

BORDER = 8
"""Pixels around the 112 chip that `edgeface prepare` keeps, so that augmentation can shift and turn it."""
SIZES = (CHIP_SIZE, CHIP_SIZE + 2 * BORDER)
SUFFIXES = (".webp", ".png", ".jpg", ".jpeg")


@dataclass(frozen=True, slots=True)
class Listing:
    """The chip files of a folder, by person, before any of them is read."""

    folder: Path
    names: list[str]
    """Of the people, sorted."""
    people: npt.NDArray[np.int32]
    """Of each chip, the position of its person in `names`."""
    paths: list[str]
    """Of each chip, relative to `folder`, with forward slashes; sorted within a person."""


@dataclass(frozen=True, slots=True, eq=False)
class ChipSet:
    """Aligned chips of several people."""

    images: npt.NDArray[np.uint8]
    """(n, size, size, 3) RGB; may be a read-only map of a file."""
    people: npt.NDArray[np.int32]
    """(n,) position of each chip's person in `names`; -1 where nobody knows who it is."""
    names: list[str]
    paths: list[str]
    size: int
    """112, or 128: the 112 chip with a border of 8 pixels."""

    def __len__(self) -> int:
        return len(self.people)

    def counts(self) -> npt.NDArray[np.int64]:
        """Return the number of chips of each person, in the order of `names`."""
        return np.bincount(self.people, minlength=len(self.names))

    def subset(self, mask: npt.NDArray[np.bool_] | npt.NDArray[np.integer]) -> "ChipSet":
        """Copy the chips that a mask or positions choose; people without a chip left lose name and number."""
        chosen = np.flatnonzero(mask) if mask.dtype == np.bool_ else np.asarray(mask)
        kept, people = np.unique(self.people[chosen], return_inverse=True)
        return ChipSet(
            images=self.images[chosen],
            people=people.astype(np.int32),
            names=[self.names[person] for person in kept],
            paths=[self.paths[chip] for chip in chosen],
            size=self.size,
        )


def load_chips(
    folder: Path,
    *,
    size: int | None = None,
    cache: Path | None = None,
    edit: Callable[[Listing], Listing] = lambda listing: listing,
) -> ChipSet:
    """Read FOLDER/<person>/*.{webp,png,jpg}, squares that are all of 112 or all of 128 pixels.

    `size` 112 cuts the border off 128 px chips. `edit` may leave chips out or join people before any is read.
    With `cache`, a folder, the decoded array is kept there under a digest of names, sizes and dates, and mapped
    instead of decoded the next time.
    Raise ConfigError for a folder, a file or a size that does not fit.
    """
    return _load(edit(list_chips(folder)), size, cache)


def load_unlabelled(folder: Path, *, apart: Sequence[Path] = (), size: int | None = None) -> ChipSet:
    """Read the chips of a folder at any depth, of which nobody knows who is on them, in the order of their paths.

    Hidden files and folders are not looked at, links to folders not followed. `size` is as in `load_chips`, but 128
    gives chips of 112 px a border, too, as `with_border` does. Raise ConfigError as `load_chips` does, and where the
    folder is, holds or lies in one that it is to be `apart` from.
    """
    if not folder.is_dir():
        raise ConfigError(f"folder of unlabelled chips {folder} does not exist", hint="give a folder of aligned chips")
    place = folder.resolve()
    for other in apart:
        if place.is_relative_to(other.resolve()) or other.resolve().is_relative_to(place):
            raise ConfigError(
                f"the unlabelled chips in {folder} are not apart from the people in {other}",
                hint="keep them in a folder beside it: who is known is not unlabelled",
            )
    paths = sorted(_files_below(folder))
    if not paths:
        raise ConfigError(
            f"folder {folder} holds no unlabelled chips", hint="expected .webp, .png or .jpg, at any depth"
        )
    return _load(Listing(folder, [], np.full(len(paths), -1, np.int32), paths), size, None, may_widen=True)


def with_border(chips: Image) -> Image:
    """Return (..., 128, 128, 3) of (..., 112, 112, 3) chips: the border that they lack repeats their rim."""
    beside = (BORDER, BORDER)
    return np.pad(chips, [*[(0, 0)] * (chips.ndim - 3), beside, beside, (0, 0)], mode="edge")


def _load(listing: Listing, size: int | None, cache: Path | None, *, may_widen: bool = False) -> ChipSet:
    """Read what is listed; see `load_chips`, and `load_unlabelled` for those that may be given a border."""
    found = read_chip(listing.folder / listing.paths[0]).shape[0]
    wanted = size or found
    if wanted not in SIZES or (wanted > found and not may_widen):
        raise ConfigError(
            f"chips of {wanted} px were asked for, those in {listing.folder} have {found} px",
            hint="choose 112, or prepare the photos again to have chips with a border",
        )
    if cache is None:
        images = np.empty((len(listing.paths), wanted, wanted, 3), np.uint8)
        _decode_into(images, listing, found)
    else:
        images = _cached(cache, listing, found, wanted)
    return ChipSet(images, listing.people, listing.names, listing.paths, wanted)


def list_chips(folder: Path) -> Listing:
    """List the chips of a folder without reading them; hidden files and folders are not looked at."""
    if not folder.is_dir():
        raise ConfigError(f"folder of chips {folder} does not exist", hint="make one with `edgeface prepare`")
    names: list[str] = []
    people: list[int] = []
    paths: list[str] = []
    for person in sorted(_visible_folders(folder)):
        files = sorted(_chip_files(folder / person))
        if files:
            people += [len(names)] * len(files)
            paths += [f"{person}/{file}" for file in files]
            names.append(person)
    if not names:
        raise ConfigError(
            f"folder {folder} holds no chips",
            hint="expected FOLDER/<person>/*.webp, as `edgeface prepare` writes",
        )
    return Listing(folder, names, np.array(people, np.int32), paths)


def split_by_person(chips: ChipSet, held_out: float, seed: int) -> tuple[ChipSet, ChipSet]:
    """Return (train, held out), with nobody in both.

    `held_out` below 1 is a share of the people who have two chips or more, from 1 a number of people; only
    they are held out, since one chip alone can be matched with nothing. Who it is depends on the seed and the
    names alone, so adding photos of somebody moves nobody else.
    """
    eligible = [name for name, count in zip(chips.names, chips.counts(), strict=True) if count >= 2]
    wanted = round(held_out * len(eligible)) if held_out < 1 else int(held_out)
    if held_out < 0 or wanted > len(eligible):
        raise ConfigError(
            f"{held_out:g} people cannot be held out: {len(eligible)} have two chips or more",
            hint="hold fewer people out, or add photos",
        )
    ranked = sorted(eligible, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    chosen = set(ranked[:wanted])
    mask = np.array([name in chosen for name in chips.names], bool)[chips.people]
    return chips.subset(~mask), chips.subset(mask)


def _visible_folders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]


def _files_below(folder: Path) -> Iterator[str]:
    """Yield the chip files of a folder and those below it, relative to it, with forward slashes."""
    yield from _chip_files(folder)
    for name in _visible_folders(folder):
        if not (folder / name).is_symlink():
            yield from (f"{name}/{file}" for file in _files_below(folder / name))


def _chip_files(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_file()]
    return [name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith(".")]


def read_chip(path: Path) -> Image:
    """Return an RGB chip of 112 or 128 px. Raise ConfigError for a file that is none."""
    try:
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise ConfigError(f"chip {path} cannot be read: {error.strerror}") from error
    image = cv2.imdecode(content, cv2.IMREAD_COLOR) if content.size else None
    if image is None:
        raise ConfigError(f"chip {path} is not a picture", hint="remove it or prepare the photos again")
    height, width = image.shape[:2]
    if height != width or height not in SIZES:
        raise ConfigError(
            f"chip {path} has {width}x{height} px, not 112x112 or 128x128",
            hint="are these photos? `edgeface prepare PHOTOS CHIPS` makes chips of them",
        )
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _decode_into(images: npt.NDArray[np.uint8], listing: Listing, found: int) -> None:
    border = (found - images.shape[1]) // 2
    wider = border < 0

    def decode(chips: Sequence[int]) -> None:
        for chip in chips:
            path = listing.folder / listing.paths[chip]
            image = read_chip(path)
            if image.shape[0] != found:
                raise ConfigError(
                    f"chip {path} has {image.shape[0]} px, others in its folder have {found} px",
                    hint="keep chips of one size in one folder",
                )
            images[chip] = with_border(image) if wider else image[border : found - border, border : found - border]

    blocks = [range(start, min(start + 256, len(images))) for start in range(0, len(images), 256)]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:  # OpenCV decodes without the GIL
        for _ in pool.map(decode, blocks):
            pass


def _cached(cache: Path, listing: Listing, found: int, size: int) -> npt.NDArray[np.uint8]:
    path = cache / f".chips-{_listing_digest(listing, size)}.npy"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}.new")
        try:
            shape = (len(listing.paths), size, size, 3)
            images = np.lib.format.open_memmap(draft, mode="w+", dtype=np.uint8, shape=shape)
            _decode_into(images, listing, found)
            images.flush()
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    return np.load(path, mmap_mode="r")


def _listing_digest(listing: Listing, size: int) -> str:
    digest = hashlib.sha256(f"{size}\n".encode())
    for name in listing.paths:
        status = (listing.folder / name).stat()
        digest.update(f"{name}\t{status.st_size}\t{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
