"""Confirmed visits are kept as numbers, for a while, and go with their person."""

from pathlib import Path

import pytest

from edgeface.core.types import Event, NoFaceEvent
from edgeface.drivers import model_upgrade
from edgeface.drivers.store import Gallery
from edgeface.drivers.visits import DAY, VisitKeeper
from edgeface.errors import SinkError
from tests.drivers.stored import MODEL, of_person

NOW = 1_700_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Gallery(tmp_path / "gallery.db", MODEL) as gallery:
        gallery.add("Ada", of_person(1, 1))
        gallery.add("Bob", of_person(2, 1))
    return tmp_path / "gallery.db"


def keeper(path: Path, now: float = NOW) -> VisitKeeper:
    return VisitKeeper(path, MODEL, 30, lambda: now)


def kept(path: Path) -> list[tuple[int, float]]:
    with Gallery(path, MODEL, read_only=True) as gallery:
        return [(visit.person, visit.similarity) for visit in gallery.visits()]


def test_an_arrival_with_a_name_is_kept_and_nothing_else(path: Path) -> None:
    keep = keeper(path)
    keep.emit(Event("arrived", "Ada", NOW, 0.61, 1))
    keep.emit(Event("arrived", None, NOW, 0.2, 2))
    keep.emit(Event("left", "Ada", NOW, 0.7, 1))
    keep.emit(Event("arrived", "Eve", NOW, 0.7, 3))
    keep.emit(Event("arrived", "Bob", NOW, 1.0, 0, test=True))
    keep.emit(NoFaceEvent(NOW, 10.0))
    keep.close()
    assert kept(path) == [(1, 0.61)]


def test_what_is_older_than_that_is_dropped(path: Path) -> None:
    keeper(path).emit(Event("arrived", "Ada", NOW, 0.61, 1))
    keeper(path, NOW + 29 * DAY).emit(Event("arrived", "Bob", NOW + 29 * DAY, 0.7, 1))
    assert kept(path) == [(1, 0.61), (2, 0.7)]
    keeper(path, NOW + 31 * DAY).emit(Event("arrived", "Bob", NOW + 31 * DAY, 0.8, 1))
    assert kept(path) == [(2, 0.7), (2, 0.8)]


def test_they_go_with_their_person_and_with_their_model(path: Path) -> None:
    for name in ("Ada", "Bob"):
        keeper(path).emit(Event("arrived", name, NOW, 0.61, 1))
    with Gallery(path, MODEL) as gallery:
        gallery.forget("Ada")
        assert [visit.person for visit in gallery.visits()] == [2]
        with gallery.changing() as connection:
            model_upgrade.begin(connection, MODEL, "ef" * 32, now=NOW)
            model_upgrade.finish(connection, now=NOW)
        assert gallery.visits() == []


def test_a_gallery_that_cannot_be_written_is_the_sink_s_error(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=r"none\.db"):
        keeper(tmp_path / "none.db").emit(Event("arrived", "Ada", NOW, 0.61, 1))
