"""Consent is noted, ends, and whose consent is over is neither recognised nor kept."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeface.drivers.audit import check, read_entries
from edgeface.drivers.consent import Consent
from edgeface.drivers.disclosure import disclose
from edgeface.drivers.gallery_backup import backup
from edgeface.drivers.gallery_care import sweep
from edgeface.drivers.gallery_restore import restore
from edgeface.drivers.store import Gallery
from edgeface.errors import ConfigError, StoreError
from tests.drivers.stored import MODEL, of_person, traces

DAY = 86400.0


class Clock:
    """A time that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0 * DAY

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gallery(path: Path, clock: Clock) -> Iterator[Gallery]:
    """Ada agreed for 10 days, Bob without an end, and Cy did not."""
    with Gallery(path, MODEL, clock=clock) as opened:
        for seed, name in enumerate(("Ada", "Bob", "Cy"), 1):
            opened.add(name, of_person(seed, 2))
        opened.consent("Ada", Consent("Ada", "2026-11", clock.now, clock.now + 10 * DAY))
        opened.consent("Bob", Consent("Bob's mother", "2026-11", clock.now, None))
        yield opened


def found(gallery: Gallery) -> set[str]:
    return {identity.name for identity, _ in gallery.nearest(of_person(1, 1)[0], 9)}


def test_a_consent_says_who_when_to_what_and_until_when(gallery: Gallery, clock: Clock) -> None:
    assert gallery.consents() == {
        1: Consent("Ada", "2026-11", clock.now, clock.now + 10 * DAY),
        2: Consent("Bob's mother", "2026-11", clock.now, None),
    }
    assert gallery.expiries() == {1: clock.now + 10 * DAY, 2: math.inf, 3: math.inf}
    gallery.consent("Ada", Consent("Ada", "2027-01", clock.now + DAY, None))
    assert gallery.consents()[1].text == "2027-01"


def test_whose_consent_is_over_is_not_recognised_from_that_moment_on(
    gallery: Gallery, path: Path, clock: Clock
) -> None:
    with Gallery(path, MODEL, clock=clock, read_only=True) as daemon:
        clock.now += 10 * DAY - 1
        assert found(gallery) == found(daemon) == {"Ada", "Bob", "Cy"}
        clock.now += 1
        assert found(gallery) == found(daemon) == {"Bob", "Cy"}
        assert [identity.name for identity, _ in daemon.nearest(of_person(1, 1)[0], 1)] != ["Ada"]
        gallery.consent("Ada", Consent("Ada", "2026-11", clock.now, clock.now + DAY))
        assert found(gallery) == found(daemon) == {"Ada", "Bob", "Cy"}


def test_without_a_consent_somebody_is_kept_for_a_while_only(gallery: Gallery, path: Path, clock: Clock) -> None:
    with Gallery(path, MODEL, clock=clock, keep_seconds=5 * DAY) as strict:
        assert strict.expiries()[3] == clock.now + 5 * DAY
        clock.now += 5 * DAY
        assert found(strict) == {"Ada", "Bob"}
        assert found(gallery) == {"Ada", "Bob", "Cy"}
        receipts, _ = sweep(strict, None)
        assert [receipt.name for receipt in receipts] == ["Cy"]


def test_the_sweep_forgets_for_good_whose_consent_is_over_and_nobody_else(
    gallery: Gallery, path: Path, clock: Clock
) -> None:
    assert sweep(gallery, None) == ([], 0)
    clock.now += 10 * DAY
    [receipt], dropped = sweep(gallery, None)
    assert (receipt.name, receipt.looks, dropped) == ("Ada", 2, 0)
    assert [person.identity.name for person in gallery.people()] == ["Bob", "Cy"]
    assert traces(path.parent, of_person(1, 2)) == 0
    assert gallery.consents().keys() == {2}
    assert [e.action for e in read_entries(gallery._open, path)][-3:] == ["consented", "consented", "expired"]


def test_the_sweep_drops_old_entries_of_the_audit_log(gallery: Gallery, path: Path, clock: Clock) -> None:
    clock.now += 30 * DAY
    receipts, dropped = sweep(gallery, 7 * DAY)
    assert ([receipt.name for receipt in receipts], dropped) == (["Ada"], 5)
    entries = read_entries(gallery._open, path)
    assert [entry.action for entry in entries] == ["expired", "pruned"]
    assert check(entries, path).dropped == 5


@pytest.mark.parametrize(
    ("name", "consent", "error", "said"),
    [
        ("Eve", Consent("Eve", "1", 1.0, None), StoreError, "nobody called 'Eve'"),
        ("Ada", Consent("", "1", 1.0, None), ConfigError, "name is empty"),
        ("Ada", Consent("Ada", " ", 1.0, None), ConfigError, "version of the text"),
        ("Ada", Consent("Ada", "x" * 101, 1.0, None), ConfigError, "version of the text"),
        ("Ada", Consent("Ada", "a\nb", 1.0, None), ConfigError, "version of the text"),
        ("Ada", Consent("Ada", "1", 2.0, 2.0), ConfigError, "over before it is given"),
        ("Ada", Consent("Ada", "1", 2.0, 1e300), ConfigError, "over before it is given"),
    ],
)
def test_an_impossible_consent_changes_nothing(
    gallery: Gallery, name: str, consent: Consent, error: type[Exception], said: str
) -> None:
    before = gallery.consents()
    with pytest.raises(error, match=said):
        gallery.consent(name, consent)
    assert gallery.consents() == before


def test_a_consent_goes_with_its_person_and_comes_back_from_a_backup(gallery: Gallery, path: Path) -> None:
    before = gallery.consents()
    made = backup(path, path.parent / "usb", keep=None, now=1.0).path
    gallery.forget("Bob")
    assert gallery.consents().keys() == {1}
    restore(made, path, force=False, now=2.0)
    assert gallery.consents() == before


def test_all_that_is_kept_about_somebody_and_nothing_of_others_is_disclosed(
    gallery: Gallery, path: Path, tmp_path: Path
) -> None:
    file = tmp_path / "ada.json"
    assert disclose(gallery, path, "Ada", file) == 2
    assert file.stat().st_mode & 0o777 == 0o600
    told = json.loads(file.read_text())
    assert (told["name"], told["number"], told["enrolled"]) == ("Ada", 1, "1972-09-27T00:00:00Z")
    assert told["consent"] == {
        "given_by": "Ada",
        "text": "2026-11",
        "given": "1972-09-27T00:00:00Z",
        "expires": "1972-10-07T00:00:00Z",
    }
    assert [look["vector"] for look in told["looks"]] == [look.vector.tolist() for look in of_person(1, 2)]
    assert [entry["action"] for entry in told["log"]] == ["enrolled", "consented", "disclosed"]
    assert "Bob" not in file.read_text()


def test_a_disclosure_that_cannot_be_written_is_not_in_the_log(gallery: Gallery, path: Path, tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    for name, file, said in (
        ("Adda", tmp_path / "x", "nobody called 'Adda'"),
        ("Ada", tmp_path / "there", "exists already"),
        ("Ada", tmp_path / "nowhere" / "x", "cannot be written"),
    ):
        with pytest.raises(StoreError, match=said):
            disclose(gallery, path, name, file)
    assert read_entries(gallery._open, path)[-1].action == "consented"
