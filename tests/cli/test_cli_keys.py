"""gallery encrypt, gallery rotate-key, and the other commands on an encrypted gallery."""

import sys
from pathlib import Path

import pytest
import typer

from edgeface.drivers import sealed
from tests.fakes import GREEN, RED, Square

pytest.importorskip("cryptography", reason="the extra secure is not installed")

KEY = ("-o", "gallery.key=file:master.key")
WORDS = "correct horse battery staple"


@pytest.fixture(autouse=True)
def world(painted, cli, picture):
    """Alice and bob are enrolled, not encrypted."""
    for name, colour in (("alice", RED), ("bob", GREEN)):
        assert cli("enroll", "--name", name, picture(f"{name}.png", Square(colour))).code == 0


@pytest.fixture
def encrypted(cli, world):
    """They are encrypted with a key file."""
    done = cli("gallery", "encrypt", *KEY)
    assert done.code == 0, done.err
    return done


def who(ended):
    return [face["name"] for face in ended.objects[0]["faces"]]


def test_the_key_file_is_made_told_of_and_the_same_people_are_known(cli, encrypted):
    assert encrypted.out.startswith("encrypted 2 people, 2 looks; the keys are in ")
    assert "made master.key: keep a copy in a safe place" in encrypted.err
    assert Path("master.key").stat().st_mode & 0o777 == 0o600
    assert who(cli("identify", "alice.png", "--json", *KEY)) == ["alice"]
    assert [person["name"] for person in cli("list", "--json").objects] == ["alice", "bob"]
    assert cli("gallery", "verify", *KEY).code == 0
    assert cli("doctor", "--no-camera", *KEY).code == 0


def test_without_the_key_or_with_another_one_line_says_so(cli, encrypted):
    keyless = cli("identify", "alice.png")
    assert (keyless.code, keyless.out) == (7, "")
    assert "is encrypted, and gallery.key is not set" in keyless.err
    Path("other.key").write_bytes(b"x" * 32)
    Path("other.key").chmod(0o600)
    wrong = cli("identify", "alice.png", "-o", "gallery.key=file:other.key")
    assert wrong.code == 7
    assert "its master key is another one" in wrong.err
    typo = cli("identify", "alice.png", "-o", "gallery.key=keyfile:x")
    assert typo.code == 2
    assert '"file:PATH"' in typo.err


def test_encrypting_needs_a_key_a_gallery_and_happens_once(cli, encrypted):
    assert "gallery.key is not set" in cli("gallery", "encrypt").err
    assert "is encrypted already" in cli("gallery", "encrypt", *KEY).err
    missing = cli("gallery", "encrypt", *KEY, "--gallery", "none.db")
    assert (missing.code, Path("none.db").exists()) == (7, False)


def test_a_key_that_is_set_is_not_silently_ignored(cli):
    refused = cli("identify", "alice.png", *KEY)
    assert refused.code == 7
    assert "is not encrypted, although gallery.key is set" in refused.err
    assert "edgeface gallery encrypt" in refused.err


def test_plain_backups_are_pointed_at_when_it_is_encrypted_and_when_somebody_is_forgotten(cli):
    plain = cli("gallery", "backup", "--json").objects[0]["backup"]
    assert f"{plain} is not encrypted" in cli("gallery", "encrypt", *KEY).err
    sealed = cli("gallery", "backup", "--json").objects[0]["backup"]
    cli("gallery", "backup", "usb")
    elsewhere = Path("usb/gallery-20200101T000000Z.db")
    Path(plain).rename(elsewhere)
    Path(plain).write_bytes(b"no gallery")
    forgotten = cli("forget", "alice", "--json")
    assert forgotten.objects[0]["plain_copies"] == [plain, str(elsewhere.absolute())]
    assert f"{elsewhere.absolute()} is not encrypted or cannot be read, and may still hold alice" in forgotten.err
    assert sealed not in forgotten.err


def test_a_new_gallery_is_encrypted_from_the_first_person_on(cli):
    Path("master.key").write_bytes(b"k" * 32)
    Path("master.key").chmod(0o600)
    assert cli("enroll", "--gallery", "new.db", "--name", "alice", "alice.png", *KEY).code == 0
    assert len(list(Path().glob("gallery-*.keys"))) == 1
    assert cli("gallery", "verify", "--gallery", "new.db").code == 7
    assert cli("gallery", "verify", "--gallery", "new.db", *KEY).code == 0


def test_forgetting_needs_no_key_and_prints_what_was_destroyed_and_where(cli, encrypted):
    backup = cli("gallery", "backup", "--json").objects[0]["backup"]
    forgotten = cli("forget", "alice")
    first, second, third = forgotten.out.splitlines()
    assert first == "forgot alice: 1 look deleted"
    assert second.startswith("destroyed 1 key in ")
    assert second.count("/gallery-") == 2
    assert third.startswith("entry 4 of the audit log, ")
    assert "may still hold" not in forgotten.err
    restored = cli("gallery", "restore", backup, *KEY)
    assert restored.out == "restored 1 person, 1 look\n"
    assert "forgotten since, and still: alice" in restored.err


def test_a_folder_that_is_away_is_told_of(cli, encrypted):
    assert cli("gallery", "backup", "usb").code == 0
    Path("usb").rename("away")
    forgotten = cli("forget", "alice", "--json")
    assert forgotten.objects[0]["unreached"] == [str(Path("usb").absolute())]
    assert "usb still holds the key of alice, until a backup is made there" in forgotten.err


def test_the_master_key_is_rotated_and_the_old_one_opens_nothing(cli, encrypted):
    assert cli("gallery", "backup", "usb").code == 0
    rotated = cli("gallery", "rotate-key", "--to", "file:second.key", *KEY)
    assert rotated.out == 'wrapped 2 keys anew; now set gallery.key = "file:second.key"\n'
    assert "made second.key" in rotated.err
    assert cli("identify", "alice.png", *KEY).code == 7
    assert who(cli("identify", "alice.png", "--json", "-o", "gallery.key=file:second.key")) == ["alice"]
    assert cli("gallery", "rotate-key", "--to", "file:third.key").code == 2


def test_at_a_terminal_the_passphrase_is_asked_for_unseen_and_twice_when_it_is_new(cli, monkeypatch):
    monkeypatch.setattr(sealed, "COST", 2)
    asked = []

    def prompt(text, **options):
        asked.append((text, options["hide_input"], options["confirmation_prompt"]))
        return WORDS

    phrase = ("-o", "gallery.key=passphrase")
    assert "no terminal to ask for the gallery's new passphrase" in cli("gallery", "encrypt", *phrase).err
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr(typer, "prompt", prompt)
    assert cli("gallery", "encrypt", *phrase).code == 0
    assert who(cli("identify", "bob.png", "--json", *phrase)) == ["bob"]
    assert asked == [("gallery's new passphrase", True, True), ("gallery's passphrase", True, False)]


def test_a_credential_is_found_where_systemd_puts_it(cli, monkeypatch, tmp_path):
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "gallery").write_bytes(b"k" * 32)
    given = ("-o", "gallery.key=credential:gallery")
    missing = cli("gallery", "encrypt", *given)
    assert missing.code == 7
    assert "credential gallery was not passed to this process" in missing.err
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    assert cli("gallery", "encrypt", *given).code == 0
    assert who(cli("identify", "bob.png", "--json", *given)) == ["bob"]
    assert f'key = "credential:{tmp_path}/credentials/gallery"' in cli("config", *given).out


def test_people_leave_and_enter_encrypted_galleries(cli, encrypted, monkeypatch):
    monkeypatch.setattr(sealed, "COST", 2)
    Path("words.txt").write_text(WORDS)
    words = ("--passphrase-file", "words.txt")
    assert cli("gallery", "export", "all.people", *words, *KEY).out == "all.people: 2 people, 2 looks\n"
    arrived = cli("gallery", "import", "all.people", "--gallery", "new.db", *words, *KEY)
    assert arrived.out == "added alice: 1 look\nadded bob: 1 look\n"
    assert who(cli("identify", "bob.png", "--json", "--gallery", "new.db", *KEY)) == ["bob"]
    again = cli("gallery", "import", "all.people", "--gallery", "new.db", "--on-conflict", "rename", *words, *KEY)
    assert "renamed alice as alice (2): 1 look" in again.out
    assert cli("gallery", "verify", "--gallery", "new.db", *KEY).out.startswith("new.db is whole: 4 people")


def test_the_shapes_of_json_are_the_promised_ones(cli):
    import json

    from tests.cli.test_cli_help import GOLDENS, compare, shape

    lines = []
    for command in (
        ["gallery", "encrypt", *KEY],
        ["gallery", "rotate-key", "--to", "file:second.key", *KEY],
        ["forget", "alice"],
    ):
        ended = cli(*command, "--json")
        assert ended.code == 0, ended.err
        lines += [f"$ edgeface {' '.join(command)} --json", *(json.dumps(shape(found)) for found in ended.objects)]
    compare(GOLDENS / "json-keys.txt", "\n".join(lines) + "\n")
