"""The folder that `edgeface prepare` writes: chips by person, a report, and a cache for the next run.

```
OUT/
  ada/1.png ...          chips, as `chips.load_chips` reads them
  report.json            what was refused and what was dropped, with reasons
  .cache/photos.jsonl    the index: one line a photo, appended as photos are done, rewritten at the end
  .cache/chips/          every chip under its photo's digest; those of OUT/<person> are links to them
  .cache/published.json  which chips of OUT are ours to replace or remove
```
"""

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgeface.errors import ConfigError
from edgeface_train.duplicates import Duplicate
from edgeface_train.examine import Examined, chip_path

FORMAT = 1
"""Raised when photos must be examined anew because their chips or their judgement would differ."""
REPORT_NAME = "report.json"


@dataclass(frozen=True, slots=True)
class Refused:
    """A photo that gave no chip."""

    photo: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a folder of photos."""

    people: int
    """Who have a chip or more."""
    single: int
    """Of them, those with one chip only: they serve as other people, never as a pair."""
    photos: int
    chips: int
    refused: list[Refused] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    """Dropped: the same picture of the same person, the one with fewer pixels."""
    shared: list[Duplicate] = field(default_factory=list)
    """Kept, but look at them: the same picture under two people."""
    unfinished: int = 0
    """Photos not examined because the run was interrupted."""
    examined: int = 0
    """Photos that this run had to read; the others were known."""

    def summary(self) -> list[str]:
        """Return the report as a few lines for a person."""
        lines = [f"{self.chips} chips of {self.people} people, from {self.photos} photos"]
        if self.single:
            lines.append(f"{self.single} people have one chip only: they serve as strangers")
        if self.refused:
            lines.append(f"{len(self.refused)} photos refused: {_most_common(self.refused)}")
        if self.duplicates:
            exact = sum(duplicate.kind == "exact" for duplicate in self.duplicates)
            lines.append(
                f"{len(self.duplicates)} duplicates dropped ({exact} equal files, "
                f"{len(self.duplicates) - exact} copies)"
            )
        if self.shared:
            lines.append(
                f"{len(self.shared)} pictures are filed under two people, such as "
                f"{self.shared[0].photo} and {self.shared[0].of}"
            )
        if self.unfinished:
            lines.append(f"stopped with {self.unfinished} photos to go; run the same command to go on")
        return lines


class Prepared:
    """An output folder and its cache. Raise ConfigError for a folder that holds anything else."""

    def __init__(self, folder: Path, *, already_chips: bool) -> None:
        self.folder = folder
        self._cache = folder / ".cache"
        self.chips = self._cache / "chips"
        self._index = self._cache / "photos.jsonl"
        self._published = self._cache / "published.json"
        self._header = {"format": FORMAT, "already_chips": already_chips}
        if folder.exists() and not folder.is_dir():
            raise ConfigError(f"output {folder} is a file", hint="give a folder")
        if folder.exists() and any(folder.iterdir()) and not self._cache.is_dir():
            raise ConfigError(
                f"output folder {folder} holds files that `edgeface prepare` did not write",
                hint="give a new or an empty folder",
            )

    def known(self) -> list[Examined]:
        """Read the index; a line cut short by a crash, and the index of other settings, count for nothing."""
        if not self._index.exists():
            return []
        lines = self._index.read_text(encoding="utf-8").splitlines()
        entries = [entry for line in lines if (entry := _parse(line)) is not None]
        if not entries or entries[0] != self._header:
            return []
        return [Examined(**entry) for entry in entries[1:]]

    def rewrite(self, photos: Iterable[Examined]) -> None:
        """Replace the index."""
        lines = [self._header, *(asdict(photo) for photo in photos)]
        _write(self._index, "".join(json.dumps(line) + "\n" for line in lines))

    def append(self, photos: Iterable[Examined]) -> None:
        """Add to the index at once, so that nothing done is lost."""
        with self._index.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(photo)) + "\n" for photo in photos)

    def holds(self, photo: Examined) -> bool:
        """Tell whether what is known of a photo holds: it could be read, and its chip is still there."""
        return bool(photo.digest) and (bool(photo.reason) or chip_path(self.chips, photo).is_file())

    def last_report(self, state: str) -> Report | None:
        """Return the report of the run that left this state, if its chips are all in place."""
        published = self._read_published()
        if published.get("state") != state or not all((self.folder / chip).is_file() for chip in published["chips"]):
            return None
        try:
            content = json.loads((self.folder / REPORT_NAME).read_bytes())
            parts = {"refused": Refused, "duplicates": Duplicate, "shared": Duplicate}
            lists = {name: [kind(**item) for item in content[name]] for name, kind in parts.items()}
            return Report(**{**content, **lists, "examined": 0})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def publish(self, photos: list[Examined], report: Report, state: str) -> None:
        """Make OUT/<person> hold exactly these chips, leaving other files alone, and write the report."""
        before: dict[str, str] = self._read_published().get("chips", {})
        after = dict(zip(chip_names(photos), photos, strict=True))
        digests = {name: photo.digest for name, photo in after.items()}
        _write(self._published, json.dumps({"state": "", "chips": {**before, **digests}}))
        for name in before.keys() - after.keys():
            self._remove(self.folder / name)
        for name, photo in after.items():
            target = self.folder / name
            if before.get(name) != photo.digest or not target.is_file():
                _link(chip_path(self.chips, photo), target)
        _write(self.folder / REPORT_NAME, json.dumps(asdict(report), indent=1) + "\n")
        _write(self._published, json.dumps({"state": state, "chips": digests}))

    def sweep(self, photos: Iterable[Examined]) -> None:
        """Remove the cached chips of photos that are gone."""
        wanted = {chip_path(self.chips, photo) for photo in photos}
        for path in list(self.chips.glob("*/*")):
            if path not in wanted:
                path.unlink()

    def _read_published(self) -> dict[str, Any]:
        try:
            return json.loads(self._published.read_bytes())
        except (OSError, ValueError):
            return {}

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


def chip_names(photos: Iterable[Examined]) -> list[str]:
    """Return PERSON/NAME of each photo's chip: the photo's name, with its suffix too where stems collide."""
    names: dict[str, None] = {}
    for photo in photos:
        stem = photo.photo.rpartition(".")[0]
        candidates = (stem, photo.photo, f"{photo.photo}-{photo.digest[:12]}")
        names[next(name for base in candidates if (name := base + photo.suffix) not in names)] = None
    return list(names)


def _most_common(refused: list[Refused]) -> str:
    counts: dict[str, int] = {}
    for reason in (item.reason.partition(":")[0] for item in refused):
        counts[reason] = counts.get(reason, 0) + 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} × {reason}" for reason, count in ranked[:3])


def _parse(line: str) -> dict[str, Any] | None:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _link(source: Path, target: Path) -> None:
    """Give a file a second name; copy it where the file system has no links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.new")
    draft.unlink(missing_ok=True)
    try:
        os.link(source, draft)
    except OSError:
        shutil.copyfile(source, draft)
    draft.replace(target)
