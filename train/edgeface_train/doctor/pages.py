"""The sections of the doctor's report: what each finding means, its numbers, and pictures of the suspects."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from edgeface_train.doctor.check import Findings
from edgeface_train.doctor.labels import Kind
from edgeface_train.doctor.manifest import provenance
from edgeface_train.doctor.pictures import pictures_of, repeat_rows, shared_rows, suspect_rows, twin_rows
from edgeface_train.page import Section, Table

_KINDS: dict[Kind, tuple[str, str]] = {
    "another": (
        "Photos that show another person",
        "Farther from every sub-centre of its own person than strangers are in 999 of 1,000 cases, and nearer to "
        "somebody else than photos come to strangers. Left: the photo; middle: its person; right: the other.",
    ),
    "stray": (
        "Photos that resemble nobody",
        "As far from its own person, but near to nobody else either: a wrong label, or a face that is covered, "
        "turned or found wrongly. The farthest are dropped, the others are for you to judge.",
    ),
    "scattered": (
        "People whose photos do not agree",
        "No two photos of the person are as near as the photos of one person are. Of those that have nothing in "
        "common one is kept, which as a single photo can do no harm.",
    ),
}


def sections(found: Findings) -> list[Section]:
    """Return the report's sections."""
    made = [_people(found), _repeats(found)]
    if found.faces:
        made += [_levels(found), *(_suspects(found, kind) for kind in _KINDS), _twins(found)]
    if found.test:
        made.append(_shared(found))
    made.append(_quality(found))
    if found.manifest:
        made.append(_manifest(found))
    return made


def _people(found: Findings) -> Section:
    counts = found.counts
    return Section(
        "People and photos",
        [f"{counts.alone:,} people have one photo: they are of use as negatives, and for a teacher's vectors."],
        [
            _table(("photos", "people"), counts.histogram),
            _table(("the largest", "photos"), counts.largest),
        ],
    )


def _repeats(found: Findings) -> Section:
    kinds = Counter((repeat.kind, "between people" if repeat.across else "within a person") for repeat in found.repeats)
    rows = [(f"{kind}, {where}", str(count)) for (kind, where), count in sorted(kinds.items())]
    text = [
        "The same file, the same pixels, or one picture shrunk, cropped or recompressed. Of two of one person the "
        "one with less detail can go; two people who share a picture are one person, or one of the labels is wrong."
    ]
    return Section("Duplicates", text, [Table(("kind", "photos"), rows)], pictures_of(repeat_rows(found)))


def _levels(found: Findings) -> Section:
    if found.faces is None:
        raise ValueError("there are no levels")
    levels = found.faces.levels
    rows = [
        ("a stranger to a person's centre, four of five are below", f"{levels.far:.2f}"),
        ("a stranger to a person's centre, 999 of 1,000 are below", f"{levels.stranger:.2f}"),
        ("a photo to the others of its person, 95 of 100 are above", f"{levels.member:.2f}"),
        ("two photos of one person, three of four are above", f"{levels.pair:.2f}"),
        ("a photo to the nearest other person: bound of a lookalike", f"{found.faces.labels.lookalike:.2f}"),
        ("a person to the nearest other person: bound of a twin", f"{found.faces.bound:.2f}"),
    ]
    text = [f"Cosines in this data set, by {found.judged_by}. Everything below is judged by them."]
    return Section("How near is near", text, [Table(("similarity", "cosine"), rows)])


def _suspects(found: Findings, kind: Kind) -> Section:
    chosen = [suspect for suspect in (found.faces.labels.suspects if found.faces else []) if suspect.kind == kind]
    certain = [suspect for suspect in chosen if suspect.certain]
    doubtful = [suspect for suspect in chosen if not suspect.certain]
    title, text = _KINDS[kind]
    said = f"{len(certain)} are dropped by the clean list, {len(doubtful)} stand in it as comments."
    pictures = [
        *pictures_of(suspect_rows(found, certain), "dropped: "),
        *pictures_of(suspect_rows(found, doubtful), "for you to judge: "),
    ]
    return Section(title, [text, said], _by_source(found, [suspect.photo for suspect in chosen]), pictures)


def _by_source(found: Findings, photos: Sequence[int]) -> list[Table]:
    if found.manifest is None or not photos:
        return []
    total, here = Counter(found.manifest.source), Counter(found.manifest.source[photo] for photo in photos)
    rows = [(source or "unknown", str(count), f"{count / total[source]:.2%}") for source, count in here.most_common()]
    return [Table(("source", "suspects", "of its photos"), rows)]


def _twins(found: Findings) -> Section:
    groups = found.faces.groups if found.faces else []
    text = [
        f"{len(groups)} groups of names that show one person: their centres are nearer than people come to the "
        "person nearest to them, and the median pair of their photos is as near as pairs of one person are.",
        "The first name of a group, the one with the most photos, is kept. Siblings and lookalikes end up here too.",
    ]
    return Section("One person under several names", text, [], pictures_of(twin_rows(found)))


def _shared(found: Findings) -> Section:
    ways = Counter(item.how for item in found.shared)
    text = [
        f"People of {found.sources.chips} who are also in {found.sources.test}. What is measured on people who "
        "were trained on is too good: the clean list drops all their photos from training."
    ]
    rows = [(way, str(count)) for way, count in ways.items()]
    tables = [Table(("found by", "people"), rows)] if rows else []
    return Section("People shared with the test folder", text, tables, pictures_of(shared_rows(found)))


def _quality(found: Findings) -> Section:
    header = ("figure", "photos", *(f"{float(name):.0%}" for name in found.spreads[0].quantiles))
    rows = [
        (spread.name, f"{spread.photos:,}", *(f"{value:.4g}" for value in spread.quantiles.values()))
        for spread in found.spreads
    ]
    refused = Table(
        ("", "dark", "bright", "blurred"),
        [
            (words, *(f"{found.poor[f'{name}_{use}']:,}" for name in ("dark", "bright", "blurred")))
            for use, words in (("enrol", "a device would not enrol"), ("live", "no vote in live recognition"))
        ],
    )
    bars = [
        Table((spread.name, "photos"), [*_bars(spread.edges, spread.bars)]) for spread in found.spreads if spread.bars
    ]
    text = ["Sharpness and brightness as the device measures them, and the figures of the manifest, by percentile."]
    return Section("Quality", text, [Table(header, rows), refused, *bars])


def _bars(edges: Sequence[float], bars: Sequence[int]) -> Iterable[tuple[str, str]]:
    full = max(1, int(np.max(bars)))
    for low, high, count in zip(edges, edges[1:], bars, strict=False):
        yield f"{low:.4g} to {high:.4g}", f"{'█' * round(24 * count / full)} {count:,}"


def _manifest(found: Findings) -> Section:
    if found.manifest is None:
        raise ValueError("there is no manifest")
    known = provenance(found.manifest)
    text = [
        f"{known.without_source:,} photos have no source, {known.without_licence:,} no licence.",
        f"{len(found.manifest.unlisted):,} chips have no row, {len(found.manifest.absent):,} rows have no chip, "
        f"{len(found.manifest.elsewhere):,} rows name another person than the chip's folder.",
    ]
    tables = [_table(("source", "photos"), known.sources), _table(("licence", "photos"), known.licences)]
    return Section("Sources and licences", text, [table for table in tables if table.rows])


def _table(header: Sequence[str], counts: Mapping[str, int]) -> Table:
    return Table(header, [(name, f"{count:,}") for name, count in counts.items()])
