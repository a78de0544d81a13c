"""The clean list: which photos a trainer leaves out and which people it joins, one decision a line, to be edited.

```
# decision <tab> what <tab> ...
drop	ada/003.png	shows bob: 0.12 to ada, 0.81 to bob
drop	eve	is in the test folder
merge	ada-lovelace	ada	centres 0.86, photos 0.61
```

`drop` takes a photo, PERSON/FILE, or a person with all photos; `merge` puts the photos of the first person under the
name of the second. The rest of a line is the reason. A line that begins with # decides nothing, and deleting the file
undoes everything: no picture is touched. Fields that hold a tab, a quote or a line break are quoted as in CSV.
"""

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgeface.errors import ConfigError
from edgeface_train.chips import Listing

HEADING = (
    "What to leave out of training, and whom to join; fields are separated by tabs.",
    "drop PERSON/FILE reason | drop PERSON reason | merge PERSON INTO reason",
    "A line that begins with # decides nothing: take the # away where you agree, or add one where you do not.",
)


@dataclass(frozen=True, slots=True)
class Decision:
    """A line of the list."""

    what: str
    """PERSON/FILE or PERSON."""
    reason: str
    into: str = ""
    """The person whose name `what` gets; empty: `what` is dropped."""
    certain: bool = True
    """Otherwise the line is written as a comment, for a human to decide."""


@dataclass(frozen=True, slots=True)
class Clean:
    """A clean list, read."""

    path: Path
    sha256: str
    drops: dict[str, int] = field(default_factory=dict)
    """What is dropped, and the number of its line."""
    merges: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Who is joined to whom, and the number of the line."""


def write_clean(path: Path, decisions: Iterable[Decision], *, heading: Iterable[str] = ()) -> None:
    """Write the list; decisions that are not certain become comments. Raise ConfigError when it cannot be written."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(f"# {line}\n" for line in heading)
            lines = csv.writer(file, delimiter="\t", lineterminator="\n")
            for decision in decisions:
                mark = "" if decision.certain else "# "
                if decision.into:
                    lines.writerow([f"{mark}merge", decision.what, decision.into, decision.reason])
                else:
                    lines.writerow([f"{mark}drop", decision.what, decision.reason])
    except OSError as error:
        raise ConfigError(f"clean list {path} cannot be written: {error.strerror}") from error


def read_clean(path: Path) -> Clean:
    """Read a list. Raise ConfigError naming the line that cannot be understood."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"clean list {path} cannot be read: {error}",
            hint="write one with `edgeface data check CHIPS --write-clean`, or take data.clean out of the recipe",
        ) from error
    clean = Clean(path, hashlib.sha256(content).hexdigest())
    rows = csv.reader(text.splitlines(keepends=True), delimiter="\t")
    for row in rows:
        if not any(row) or row[0].startswith("#"):
            continue
        if row[0] == "drop" and len(row) >= 2 and row[1]:
            clean.drops[row[1].rstrip("/")] = rows.line_num
        elif row[0] == "merge" and len(row) >= 3 and row[1] and row[2]:
            clean.merges[row[1].rstrip("/")] = row[2].rstrip("/"), rows.line_num
        else:
            raise ConfigError(
                f"{path}, line {rows.line_num}: {' '.join(row)[:60]!r} is no decision",
                hint="write drop<tab>PERSON/FILE<tab>reason, or merge<tab>PERSON<tab>INTO<tab>reason",
            )
    return clean


def apply_clean(listing: Listing, clean: Clean) -> Listing:
    """Return the listing without what is dropped, and with people joined; photos keep their paths.

    Raise ConfigError for a file or person that does not exist, and where all photos of all people are dropped.
    """
    names = {name: number for number, name in enumerate(listing.names)}
    _check(clean, names, set(listing.paths))
    into = list(range(len(names)))
    for name, (target, _) in clean.merges.items():
        into[names[name]] = names[target]
    owner = [listing.names[number] for number in listing.people]
    kept = [
        place for place, path in enumerate(listing.paths) if path not in clean.drops and owner[place] not in clean.drops
    ]
    if not kept:
        raise ConfigError(f"clean list {clean.path} drops every photo of {listing.folder}")
    joined = np.array(into, np.int32)[listing.people[kept]]
    kept = [kept[place] for place in np.argsort(joined, kind="stable")]
    left, people = np.unique(np.array(into, np.int32)[listing.people[kept]], return_inverse=True)
    return Listing(
        listing.folder,
        [listing.names[number] for number in left],
        people.astype(np.int32),
        [listing.paths[place] for place in kept],
    )


def effect(listing: Listing, clean: Clean) -> dict[str, Any]:
    """Return what the list does to a listing: its digest, and photos and people before and after."""
    after = apply_clean(listing, clean)
    return {
        "clean": clean.sha256,
        "photos": len(listing.paths) - len(after.paths),
        "people_joined": len(clean.merges),
        "people": len(listing.names) - len(after.names),
    }


def _check(clean: Clean, names: dict[str, int], paths: set[str]) -> None:
    for what, line in clean.drops.items():
        if what not in names and what not in paths:
            raise _missing(clean, line, what)
    for name, (target, line) in clean.merges.items():
        for person in (name, target):
            if person not in names:
                raise _missing(clean, line, person)
        if target in clean.merges or target == name:
            raise ConfigError(
                f"{clean.path}, line {line}: {name} is joined to {target}, who is joined to {clean.merges[target][0]}",
                hint="name the last of the chain in every line",
            )


def _missing(clean: Clean, line: int, what: str) -> ConfigError:
    return ConfigError(
        f"{clean.path}, line {line}: there is no {what} among the chips",
        hint="was the list made for another folder? Check the data again, or delete the line",
    )
