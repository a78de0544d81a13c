"""The commands about consent and its end: consent, and gallery sweep."""

import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from edgeface.cli.gallery import BACKUPS, remind_of_plain
from edgeface.cli.options import JsonOption, with_config
from edgeface.cli.output import iso, say, say_json, tell
from edgeface.config import Config
from edgeface.errors import ConfigError

DAY = 86400


@with_config("gallery")
def consent(
    config: Config,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Who agreed; without a name all consents are listed.")
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="WHO", help="Who speaks for them, such as a parent.")
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", metavar="VERSION", help="The text agreed to, as privacy.consent_text is.")
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--until", formats=["%Y-%m-%d"], metavar="DAY", help="The first day it no longer holds, UTC."),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Note that somebody agreed to be recognised, or list who did.

    When a consent is over, its person is no longer recognised, and `edgeface gallery sweep` forgets them. Consent
    is withdrawn with `edgeface forget`.

    \b
    Examples:
      edgeface consent alice --text 2026-11
      edgeface consent bob --by "Bob's mother" --until 2027-06-30
      edgeface consent
    """
    if name is None:
        if by or text or until:
            raise ConfigError("a consent needs the name of a person", hint="edgeface consent NAME ...")
        _list(config, json_output=json_output)
        return
    from edgeface import wiring
    from edgeface.drivers.consent import Consent
    from edgeface.drivers.gallery_file import require

    version, days = text or config.privacy.consent_text, config.privacy.consent_days
    if not version:
        raise ConfigError("the version of the text that was agreed to is missing", hint="--text 2026-11")
    now = time.time()
    expires = now + days * DAY if days else None
    if until:
        expires = until.replace(tzinfo=UTC).timestamp()
    require(Path(config.gallery.path))
    with wiring.open_gallery(config, "") as gallery:
        identity = gallery.consent(name, Consent(by or name, version, now, expires))
    told = _told(identity.name, Consent(by or name, version, now, expires), expires, now)
    if json_output:
        say_json(told)
    else:
        say(_line(told))


@with_config("gallery")
def sweep(config: Config, json_output: JsonOption = False) -> None:
    """Forget everybody whose consent or time is over, and drop old entries of the audit log.

    Unknown people who are remembered and have not come for unknown.days go too. The times are privacy.consent_days,
    keep_days and audit_days. Run it every day: systemd/edgeface-sweep.timer.

    \b
    Examples:
      edgeface gallery sweep
    """
    from edgeface import wiring, wiring_sightings
    from edgeface.drivers.gallery_backup import plain_copies
    from edgeface.drivers.gallery_care import sweep as sweep_gallery
    from edgeface.drivers.gallery_file import require
    from edgeface.drivers.visits import drop_before

    require(Path(config.gallery.path))
    days = config.privacy.audit_days
    with wiring.open_gallery(config, "") as gallery:
        strangers = wiring_sightings.open_unknowns(config, gallery).sweep()
        receipts, dropped = sweep_gallery(gallery, days * DAY if days else None)
        with gallery.changing() as connection:
            drop_before(connection, time.time() - (config.privacy.visit_days or 0) * DAY)
    unreached = sorted({str(folder) for receipt in [*strangers, *receipts] for folder in receipt.spread.unreached})
    for folder in unreached:
        tell(f"not reached: the key file in {folder} still holds their keys, until a backup is made there")
    if strangers or receipts:
        path = Path(config.gallery.path)
        remind_of_plain(plain_copies(path, path.parent / BACKUPS), "who is forgotten")
    if json_output:
        names = [receipt.name for receipt in receipts]
        told = {"forgotten": names, "unknowns": len(strangers), "unreached": unreached, "audit_dropped": dropped}
        say_json(told)
        return
    for receipt in receipts:
        say(f"forgot {receipt.name}: {receipt.looks} look{'s' * (receipt.looks != 1)} deleted")
    if strangers:
        say(f"forgot {len(strangers)} unknown {'people' if len(strangers) != 1 else 'person'}")
    if dropped:
        say(f"dropped {dropped} entries of the audit log")
    if not receipts and not strangers and not dropped:
        tell("nothing is over")


def _list(config: Config, *, json_output: bool) -> None:
    from edgeface import wiring
    from edgeface.drivers.gallery_file import exists

    now = time.time()
    if not exists(Path(config.gallery.path)):
        tell(f"nobody is enrolled in {config.gallery.path}")
        return
    with wiring.open_gallery(config, "", read_only=True) as gallery:
        consents, expiries, people = gallery.consents(), gallery.expiries(), gallery.people()
    for person in people:
        expires = expiries.get(person.identity.id, float("inf"))  # somebody may have come since
        told = _told(
            person.identity.name,
            consents.get(person.identity.id),
            None if expires == float("inf") else expires,
            now,
        )
        if json_output:
            say_json(told)
        else:
            say(_line(told))
    if not people:
        tell(f"nobody is enrolled in {config.gallery.path}")


def _told(name: str, consent: Any, expires: float | None, now: float) -> dict[str, Any]:
    known: dict[str, Any] = asdict(consent) if consent else {"given_by": None, "text": None, "given": None}
    return {
        "name": name,
        "given_by": known["given_by"],
        "text": known["text"],
        "given": iso(known["given"]) if consent else None,
        "expires": None if expires is None else iso(expires),
        "over": expires is not None and expires <= now,
    }


def _line(told: dict[str, Any]) -> str:
    what = "no consent is noted"
    if told["given"]:
        by = f" by {told['given_by']}" if told["given_by"] != told["name"] else ""
        what = f"agreed to {told['text']}{by} on {told['given']}"
    end = f", {'over since' if told['over'] else 'until'} {told['expires']}" if told["expires"] else ""
    return f"{told['name']}: {what}{end}"
