"""Turn folders of photos, one a person, into folders of aligned chips: what a network is trained on.

The same detector and the same alignment as on the device see every photo. A photo that cannot serve is listed
with its reason and never stops the run; a second run reads only what changed.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

import cv2

from edgeface.core.types import Image
from edgeface.errors import ConfigError, EdgefaceError, StoreError
from edgeface_train.duplicates import Candidate, find_duplicates
from edgeface_train.examine import Examined, Settings, chip_path, examine, examine_all, start_worker
from edgeface_train.listing import list_people
from edgeface_train.prepared import Prepared, Refused, Report

BATCH = 8
FEW = 24
"""So many photos are done sooner here than processes start."""


class Progress(Protocol):
    """A bar, such as that of `typer.progressbar(length=...)`."""

    def update(self, n_steps: int, /) -> None:
        """Move the bar by that many photos."""
        ...


Bar = Callable[[int], AbstractContextManager[Progress]]
"""Opens a progress bar for a number of photos."""


def prepare(
    photos: Path,
    out: Path,
    *,
    workers: int = 0,
    already_chips: bool = False,
    progress: Bar | None = None,
) -> Report:
    """Make OUT/<person>/<photo>.png, 128 px chips, of PHOTOS/<person>/<photo>; return what became of them.

    `workers` processes share the work, 0 is one a core. With `already_chips` the photos are chips of 112 or
    128 px and are checked and copied. Interrupted with Ctrl-C it publishes what is done, then raises
    KeyboardInterrupt. Raise ConfigError for folders that cannot serve or when not one photo gave a chip.
    """
    _check_folders(photos, out)
    listed, refused = list_people(photos)
    prepared = Prepared(out, already_chips=already_chips)
    settings = Settings(photos, prepared.chips, already_chips)
    try:
        return _prepare(listed, refused, prepared, settings, workers or os.cpu_count() or 1, progress)
    except EdgefaceError:
        raise
    except BrokenProcessPool as error:
        raise EdgefaceError(
            "a process died while preparing photos, out of memory perhaps",
            hint="run the same command again, what is done is kept; fewer --workers need less memory",
        ) from error
    except OSError as error:
        raise StoreError(f"{out} cannot be written: {error.strerror}", hint="check space and permissions") from error


def _check_folders(photos: Path, out: Path) -> None:
    if not photos.is_dir():
        raise ConfigError(f"folder of photos {photos} does not exist", hint="give a folder with one folder a person")
    source, target = photos.resolve(), out.resolve()
    if target.is_relative_to(source) or source.is_relative_to(target):
        relation = "the folder of" if source == target else "not apart from"
        raise ConfigError(f"output {out} is {relation} the photos {photos}", hint="give a folder elsewhere")


def _prepare(
    listed: list[Examined],
    refused: list[Refused],
    prepared: Prepared,
    settings: Settings,
    workers: int,
    progress: Bar | None,
) -> Report:
    done, todo = _recall(listed, prepared, settings)
    prepared.rewrite(done.values())
    interrupted = False
    bar = progress(len(todo)) if progress and todo else nullcontext()
    examined = 0
    with bar as shown, closing(_examine(settings, todo, workers)) as batches:
        try:
            for batch in batches:
                prepared.append(batch)
                done.update({photo.photo: photo for photo in batch})
                examined += len(batch)
                if shown:
                    shown.update(len(batch))
        except KeyboardInterrupt:
            interrupted = True
    photos = [done[photo.photo] for photo in listed if photo.photo in done]
    report = _publish(photos, refused, prepared, examined, len(listed) - len(photos))
    if interrupted:
        raise KeyboardInterrupt
    if not report.chips:
        first = report.refused[0]
        raise ConfigError(
            f"none of {len(listed)} photos gave a chip; {first.photo}: {first.reason}",
            hint=f"every reason is in {prepared.folder / 'report.json'}",
        )
    return report


def _recall(
    listed: list[Examined], prepared: Prepared, settings: Settings
) -> tuple[dict[str, Examined], list[Examined]]:
    """Part the photos into those known, by date or by content, and those to examine."""
    known = [photo for photo in prepared.known() if prepared.holds(photo)]
    by_stamp = {(photo.photo, photo.bytes, photo.modified): photo for photo in known}
    by_content = {(photo.bytes, photo.digest): photo for photo in known if photo.digest}
    sizes = {photo.bytes for photo in known}
    done: dict[str, Examined] = {}
    todo: list[Examined] = []
    for photo in listed:
        found = by_stamp.get((photo.photo, photo.bytes, photo.modified))
        if found is None and photo.bytes in sizes:  # renamed, moved or touched
            found = by_content.get((photo.bytes, _digest(settings.photos / photo.photo)))
        if found is not None:
            done[photo.photo] = replace(found, photo=photo.photo, modified=photo.modified)
        else:
            todo.append(photo)
    return done, todo


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "unreadable"


def _examine(settings: Settings, todo: list[Examined], workers: int) -> Generator[list[Examined], None, None]:
    """Yield batches as they are done; an interrupt waits for those under way and drops the others."""
    if workers == 1 or len(todo) <= FEW:
        for photo in todo:
            yield [examine(settings, photo)]
        return
    batches = [todo[start : start + BATCH] for start in range(0, len(todo), BATCH)]
    # Spawned, not forked: the caller may hold threads, OpenCV's or TensorFlow's, and a fork breaks them.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=start_worker) as pool:
        try:
            for future in as_completed([pool.submit(examine_all, settings, batch) for batch in batches]):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _publish(
    found: list[Examined], refused: list[Refused], prepared: Prepared, examined: int, unfinished: int
) -> Report:
    photos = _one_size(found)
    state = _state(photos, refused) if not unfinished else ""
    last = prepared.last_report(state) if state and not examined else None
    if last is not None:
        return last
    chips = {photo.photo: photo for photo in photos if not photo.reason}
    candidates = [Candidate(p.photo, p.person, p.digest, p.hash, p.detail) for p in chips.values()]

    def read(candidate: Candidate) -> Image:
        return _read(chip_path(prepared.chips, chips[candidate.photo]))

    dropped, shared = find_duplicates(candidates, read)
    repeats = {duplicate.photo for duplicate in dropped}
    kept = [photo for name, photo in chips.items() if name not in repeats]
    counts = Counter(photo.person for photo in kept)
    report = Report(
        people=len(counts),
        single=sum(count == 1 for count in counts.values()),
        photos=len(photos),
        chips=len(kept),
        refused=refused + [Refused(photo.photo, photo.reason) for photo in photos if photo.reason],
        duplicates=dropped,
        shared=shared,
        unfinished=unfinished,
        examined=examined,
    )
    prepared.publish(kept, report, state)
    prepared.rewrite(found)
    prepared.sweep(found)
    return report


def _one_size(photos: list[Examined]) -> list[Examined]:
    """Refuse the chips that are not of the commonest size, of two equally common ones the larger."""
    sides = Counter(photo.side for photo in photos if not photo.reason)
    if len(sides) < 2:
        return photos
    common = max(sides, key=lambda side: (sides[side], side))
    reason = f"the other chips have {common} px"
    return [p if p.reason or p.side == common else replace(p, reason=f"chip has {p.side} px: {reason}") for p in photos]


def _state(photos: list[Examined], refused: list[Refused]) -> str:
    lines = [f"{photo.photo}\t{photo.digest}\t{photo.reason}" for photo in photos]
    lines += [f"{item.photo}\t{item.reason}" for item in refused]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _read(path: Path) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise StoreError(f"cached chip {path} is damaged", hint="remove the output folder and prepare again")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype("uint8", copy=False)
