"""The commands that sign model bundles and verify them."""

from pathlib import Path
from typing import Annotated

import typer

from edgeface.cli.options import JsonOption, with_config
from edgeface.cli.output import say, say_json
from edgeface.config import Config

BUNDLE_HELP = """Sign model bundles, and verify them; docs/signing.md explains it.

\b
Examples:
  edgeface bundle key signer.pem
  edgeface bundle sign my-model --key signer.pem
  edgeface bundle verify my-model
"""

bundle_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help=BUNDLE_HELP)

BundleArgument = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A folder that `edgeface export` wrote.")]


@bundle_app.command("key")
def key(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where the private key is written; keep it to yourself.")
    ],
) -> None:
    """Make a key to sign with, and print its public key, for model.trusted_keys of devices.

    \b
    Examples:
      edgeface bundle key signer.pem
    """
    from edgeface.drivers.signing import make_key

    say(make_key(file))


@bundle_app.command("sign")
def sign(
    bundle: BundleArgument,
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The private key, Ed25519 in PEM.")],
) -> None:
    """Sign a bundle after verifying its files, and print the public key.

    \b
    Examples:
      edgeface bundle sign my-model --key signer.pem
    """
    from edgeface.card import read_bundle
    from edgeface.drivers.signing import sign
    from edgeface.drivers.verify_bundle import check_files

    check_files(read_bundle(bundle))
    say(sign(bundle, key))


@bundle_app.command("verify")
@with_config()
def verify(config: Config, bundle: BundleArgument, json_output: JsonOption = False) -> None:
    """Verify a bundle: its card, the digest and the structure of each file, and who signed it.

    Where the settings have model.trusted_keys, one of them must have signed it. Nothing of the bundle is run.

    \b
    Examples:
      edgeface bundle verify my-model
      edgeface bundle verify my-model --json
    """
    from edgeface.drivers.verify_bundle import verify

    found = verify(bundle, config.model.trusted_keys)
    if json_output:
        files, signed_by = found.files, found.signed_by
        say_json({"bundle": str(bundle), "name": found.name, "files": files, "signed_by": signed_by})
        return
    for variant, file in found.files.items():
        say(f"{variant}: {file} is whole")
    say(f"signed by {', '.join(found.signed_by)}" if found.signed_by else "not signed")
