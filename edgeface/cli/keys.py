"""The commands that encrypt a gallery and change its master key."""

from pathlib import Path
from typing import Annotated

import typer

from edgeface.cli.asking import ask_new_passphrase, ask_passphrase
from edgeface.cli.gallery import BACKUPS, amounts, remind_of_plain
from edgeface.cli.options import JsonOption, with_config
from edgeface.cli.output import say, say_json, tell
from edgeface.config import Config
from edgeface.errors import ConfigError


@with_config("gallery")
def encrypt(config: Config, json_output: JsonOption = False) -> None:
    """Encrypt the gallery that is there, with the master key that gallery.key names.

    Each person's looks get a key of their own. A key file that is not there is made. A new gallery is encrypted by
    itself when gallery.key is set. It needs the extra secure; docs/gallery.md tells what it protects against.

    \b
    Examples:
      edgeface gallery encrypt
      edgeface gallery encrypt -o gallery.key=file:/etc/edgeface/gallery.key
    """
    from edgeface.drivers.gallery_backup import plain_copies
    from edgeface.drivers.gallery_encrypt import encrypt
    from edgeface.drivers.gallery_file import require
    from edgeface.drivers.master_key import make_key_file, read_master

    path = Path(config.gallery.path)
    require(path)
    master = read_master(config.gallery.key, ask_new_passphrase)
    if master is None:
        hint = "set it in the configuration, for example to file:/etc/edgeface/gallery.key"
        raise ConfigError("gallery.key is not set, so there is nothing to encrypt with", hint=hint)
    made = make_key_file(config.gallery.key)
    done = encrypt(path, master)
    if made:
        tell(f"made {made}: keep a copy in a safe place, for nobody can read the gallery without it")
    if not done.log_emptied:
        tell(f"another program keeps reading: plain vectors stay in {path}-wal until it ends")
    remind_of_plain(plain_copies(path, path.parent / BACKUPS), "these people")
    if json_output:
        made_key = str(made) if made else None
        say_json({"people": done.people, "looks": done.looks, "keys": str(done.keyring), "made_key": made_key})
    else:
        say(f"encrypted {amounts(done.people, done.looks)}; the keys are in {done.keyring}")


@with_config("gallery")
def rotate_key(
    config: Config,
    to: Annotated[str, typer.Option("--to", metavar="KEY", help="The new master key, written as gallery.key is.")],
    json_output: JsonOption = False,
) -> None:
    """Give the gallery another master key; gallery.key names the old one until then.

    People's own keys are wrapped anew, here and in the folders of backups that are there; looks and backups stay
    as they are. A key file that is not there is made. Set gallery.key to the new one afterwards.

    \b
    Examples:
      edgeface gallery rotate-key --to file:/etc/edgeface/gallery-2.key
      edgeface gallery rotate-key --to passphrase
    """
    from edgeface.drivers.gallery_encrypt import rotate
    from edgeface.drivers.master_key import make_key_file, read_master

    old, new = read_master(config.gallery.key, ask_passphrase), read_master(to, ask_new_passphrase)
    if old is None or new is None:
        raise ConfigError("gallery.key or --to is empty", hint="rotate-key needs the old master key and a new one")
    made = make_key_file(to)
    done = rotate(Path(config.gallery.path), old, new)
    if made:
        tell(f"made {made}: keep a copy in a safe place, for nobody can read the gallery without it")
    for folder in done.spread.unreached:
        tell(f"not reached: the old master key still opens the key file in {folder}, until a backup is made there")
    if json_output:
        reached, unreached = [list(map(str, paths)) for paths in (done.spread.reached, done.spread.unreached)]
        say_json({"keys": done.keys, "reached": reached, "unreached": unreached})
    else:
        say(f'wrapped {done.keys} key{"s" * (done.keys != 1)} anew; now set gallery.key = "{to}"')
