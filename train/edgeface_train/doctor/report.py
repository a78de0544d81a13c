"""Write what was found: report.json for programs, report.html to look at, a few lines for the terminal."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgeface.errors import ConfigError
from edgeface_train.doctor.check import Findings
from edgeface_train.doctor.decisions import describe
from edgeface_train.doctor.manifest import provenance
from edgeface_train.doctor.pages import sections
from edgeface_train.page import write_page

FORMAT = 1


def write_report(folder: Path, found: Findings) -> None:
    """Write report.json and report.html. Raise ConfigError when the folder cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(as_json(found), ensure_ascii=False, indent=1) + "\n"
        (folder / "report.json").write_text(text, encoding="utf-8")
        title = f"What is in {found.sources.chips}"
        write_page(folder / "report.html", title, sections(found), lead=summary(found))
    except OSError as error:
        raise ConfigError(f"report {folder} cannot be written: {error.strerror}") from error


def as_json(found: Findings) -> dict[str, Any]:
    """Return everything as plain values; the keys are a promise."""
    names, paths = found.listing.names, found.listing.paths
    faces, manifest = found.faces, found.manifest
    return {
        "format": FORMAT,
        "chips": str(found.sources.chips),
        "judged_by": found.judged_by,
        "counts": asdict(found.counts),
        "levels": _levels(found),
        "suspects": [
            {
                "file": paths[suspect.photo],
                "person": names[found.listing.people[suspect.photo]],
                "kind": suspect.kind,
                "certain": suspect.certain,
                "own": round(suspect.own, 4),
                "like": names[suspect.like] if suspect.like >= 0 else None,
                "other": round(suspect.other, 4),
                "reason": describe(suspect, names, found.listing.people),
            }
            for suspect in (faces.labels.suspects if faces else [])
        ],
        "merge_groups": [[names[person] for person in group] for group in (faces.groups if faces else [])],
        "twins": [
            {
                "left": names[twin.left],
                "right": names[twin.right],
                "centres": round(twin.centres, 4),
                "photos": round(twin.photos, 4),
            }
            for twin in (faces.twins if faces else [])
        ],
        "repeats": [
            {
                "file": paths[repeat.photo],
                "of": paths[repeat.of],
                "kind": repeat.kind,
                "similarity": repeat.similarity,
                "across": repeat.across,
            }
            for repeat in found.repeats
        ],
        "shared": _shared(found),
        "quality": {"spreads": [asdict(spread) for spread in found.spreads], "poor": found.poor},
        "manifest": _manifest(found) if manifest else None,
        "decisions": [asdict(decision) for decision in found.decisions],
    }


def totals(found: Findings) -> dict[str, Any]:
    """Return the numbers that the terminal shows, by stable keys."""
    suspects = Counter(
        (suspect.kind, suspect.certain) for suspect in (found.faces.labels.suspects if found.faces else [])
    )
    return {
        "people": found.counts.people,
        "photos": found.counts.photos,
        "people_with_one_photo": found.counts.alone,
        "largest_share": round(found.counts.largest_share, 4),
        "judged": found.faces is not None,
        "mislabelled": suspects["another", True],
        "stray": suspects["stray", True],
        "scattered": suspects["scattered", True],
        "to_look_at": sum(count for (_, certain), count in suspects.items() if not certain),
        "duplicates_within": sum(not repeat.across for repeat in found.repeats),
        "duplicates_across": sum(repeat.across for repeat in found.repeats),
        "merge_groups": len(found.faces.groups) if found.faces else 0,
        "shared_with_test": len({item.person for item in found.shared}),
    }


def summary(found: Findings) -> list[str]:
    """Return the lines for a person at a terminal."""
    total = totals(found)
    lines = [
        f"{total['photos']:,} photos of {total['people']:,} people, {total['people_with_one_photo']:,} with one photo; "
        f"the largest 1 % of people hold {total['largest_share']:.0%} of the photos",
        f"duplicates: {total['duplicates_within']} within a person, {total['duplicates_across']} between people",
    ]
    if found.faces:
        lines += [
            f"labels, judged by {found.judged_by}: {total['mislabelled']} photos show another person, "
            f"{total['stray']} resemble nobody, {total['scattered']} of people whose photos do not agree; "
            f"{total['to_look_at']} more to look at",
            f"one person under several names: {total['merge_groups']} groups",
        ]
    else:
        lines.append("labels were not judged: that takes three people with three photos each")
    if found.test:
        lines.append(f"also in {found.sources.test}: {total['shared_with_test']} people")
    if found.manifest:
        known = provenance(found.manifest)
        lines.append(
            f"sources: {len(known.sources)}; photos without a source: {known.without_source}, "
            f"without a licence: {known.without_licence}"
        )
    return lines


def _levels(found: Findings) -> dict[str, float] | None:
    if found.faces is None:
        return None
    bounds = {"lookalike": found.faces.labels.lookalike, "twin": found.faces.bound}
    return {name: round(value, 4) for name, value in {**asdict(found.faces.levels), **bounds}.items()}


def _shared(found: Findings) -> list[dict[str, Any]]:
    if found.test is None:
        return []
    return [
        {
            "person": found.listing.names[item.person],
            "test_person": found.test.names[item.test_person],
            "how": item.how,
            "reason": item.reason,
        }
        for item in found.shared
    ]


def _manifest(found: Findings) -> dict[str, Any] | None:
    if found.manifest is None:
        return None
    return {
        **asdict(provenance(found.manifest)),
        "unlisted": found.manifest.unlisted,
        "absent": found.manifest.absent,
        "elsewhere": found.manifest.elsewhere,
    }
