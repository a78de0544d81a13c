"""The whole story with no photograph of anybody: draw people, train, export, enrol each from one picture, recognise.

python -m edgeface_train.demo --out demo-out
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from edgeface.card import Bundle, read_bundle
from edgeface.core.decision import Policy
from edgeface.drivers.detectors.yunet import YuNet
from edgeface.drivers.embedder import TfliteEmbedder
from edgeface.drivers.photos import read_photo
from edgeface.drivers.store import Gallery
from edgeface.errors import EdgefaceError
from edgeface_train import commands
from edgeface_train.contact_sheet import Row, draw_sheet
from edgeface_train.drawn import write_people
from edgeface_train.journal import CHECKPOINT
from edgeface_train.portrait import portrait_lines
from edgeface_train.trial import Eyes, Photo, Probe, Tally, recognise, table, tally

PICTURES = 10
FAR = 0.001
NAMES = (
    "Alex", "Blake", "Charlie", "Dana", "Eden", "Frankie", "Gray", "Harper", "Indigo", "Jules",
    "Kim", "Lee", "Morgan", "Noor", "Ocean", "Parker", "Quinn", "Robin", "Sasha", "Toni",
)  # fmt: skip
CROWDS = {"train": (100, 0), "measure": (20, 1000), "others": (30, 2000)}
"""Of each folder of drawn people: how many, and the seed of the first. Nobody is in two of them: the network learns
from `train`, its threshold is read on `measure`, and `others` are new to both."""
ROWS, STRANGER_ROWS = 12, 4


def tell(out: Path) -> None:
    """Run every step, writing into a folder; a second run goes on where the first was stopped."""
    heading("1  People are drawn: 150 of them, 10 pictures each")
    for crowd, (people, seed) in CROWDS.items():
        folder = out / "photos" / crowd
        if len(list(folder.glob("*/*.jpg"))) < people * PICTURES:
            write_people(folder, people, PICTURES, seed, workers=0)
        typer.echo(f"{people} people in {folder}")
    heading("2  edgeface prepare: the device's detector finds and aligns every face")
    for crowd in CROWDS:
        commands.prepare(out / "photos" / crowd, out / "chips" / crowd, None, False, False)
    heading("3  edgeface train demo: random triplets first, then those the network still gets wrong")
    run = out / "run"
    commands.train("demo", out / "chips", run, (run / CHECKPOINT).exists(), [])
    heading("4  edgeface export: an int8 bundle, each file measured on the device's runtime")
    commands.export(run, out / "model", "drawn people")
    heading("5  The bundle at work: everybody is enrolled from one picture, strangers are about")
    bundle = read_bundle(out / "model")
    others = people_of(out, "others", name_from_list)
    known, strangers = others[: len(NAMES)], others[len(NAMES) :]
    familiar, _ = try_people(bundle, out / "familiar.db", people_of(out, "train", name_of_number), strangers)
    fresh, probes = try_people(bundle, out / "gallery.db", known, strangers)
    typer.echo(table([("people it was trained on", familiar), ("people it never saw", fresh)]))
    sheet = out / "contact-sheet.png"
    draw_sheet(sheet_rows(known, probes), "One picture each", describe(fresh)).save(sheet)
    typer.echo(f"\nlook at {sheet}")
    heading("6  The model that comes with edgeface, on a real photograph")
    for line in portrait_lines([pictures[0].path for pictures in strangers]):
        typer.echo(line)


def heading(text: str) -> None:
    """Announce a step."""
    typer.echo(f"\n{text}\n{'-' * len(text)}")


def name_of_number(place: int) -> str | None:
    """Name the people of a crowd by number."""
    return f"no. {place + 1}"


def name_from_list(place: int) -> str | None:
    """Name the first people of a crowd; the others are strangers."""
    return NAMES[place] if place < len(NAMES) else None


def people_of(out: Path, crowd: str, name: Callable[[int], str | None]) -> list[list[Photo]]:
    """Return the photos of each person of a crowd of which prepare made a chip, named by place."""
    folders = sorted(path for path in (out / "photos" / crowd).iterdir() if path.is_dir())
    chips = out / "chips" / crowd
    return [
        [Photo(path, name(place)) for path in sorted(folder.glob("*.jpg")) if _prepared(chips, path)]
        for place, folder in enumerate(folders)
    ]


def _prepared(chips: Path, photo: Path) -> bool:
    return (chips / photo.parent.name / f"{photo.stem}.png").is_file()


def try_people(
    bundle: Bundle, gallery: Path, known: list[list[Photo]], strangers: list[list[Photo]]
) -> tuple[Tally, list[Probe]]:
    """Enrol each person's first photo in a new gallery and recognise all other photos and the strangers'."""
    for leftover in gallery.parent.glob(f"{gallery.name}*"):
        leftover.unlink()
    embedder = TfliteEmbedder(bundle, threads=2)
    eyes = Eyes(YuNet(), embedder)
    policy = Policy(threshold=bundle.threshold(FAR))
    with Gallery(gallery, embedder.model) as people:
        for first in (pictures[0] for pictures in known):
            _, embedding = eyes.look(read_photo(first.path))
            people.add(first.name or "", [embedding], source=first.path.name)
        probes = [photo for pictures in known for photo in pictures[1:]]
        probes += [photo for pictures in strangers for photo in pictures]
        results = recognise(eyes, people, policy, probes)
    return tally(len(known), results), results


def sheet_rows(known: list[list[Photo]], probes: list[Probe]) -> list[Row]:
    """Return the rows to show: the first people in order, whatever became of them, then strangers."""
    by_folder: dict[Path, list[Probe]] = {}
    for probe in probes:
        by_folder.setdefault(probe.photo.path.parent, []).append(probe)
    people = [Row(first.name or "", first.path, by_folder.get(first.path.parent, [])) for first, *_ in known[:ROWS]]
    strangers = [row for row in by_folder.values() if row[0].photo.name is None][:STRANGER_ROWS]
    return people + [Row("stranger", None, row[: PICTURES - 1]) for row in strangers]


def describe(result: Tally) -> str:
    """Return a trial in a line."""
    return (
        f"{result.enrolled} drawn people the network never saw, enrolled from one picture each: "
        f"{result.correct} of {result.mated} other pictures recognised, {result.wrong} given a wrong name; "
        f"of {result.strangers} pictures of strangers {result.strangers_named} were given a name. "
        f"The first {ROWS} are shown."
    )


def main(
    out: Annotated[Path, typer.Option("--out", help="Folder to write everything to.")] = Path("demo-out"),
) -> None:
    """Draw people, train on them, export, enrol others from one picture each and recognise them."""
    try:
        tell(out)
    except EdgefaceError as error:
        typer.echo(f"error: {error}" + (f"\nhint: {error.hint}" if error.hint else ""), err=True)
        raise typer.Exit(error.exit_code) from error


if __name__ == "__main__":
    typer.run(main)
