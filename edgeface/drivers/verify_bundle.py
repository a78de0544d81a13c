"""Verify a bundle without running anything of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeface.card import Bundle, read_bundle
from edgeface.drivers.signing import judge, signers
from edgeface.drivers.tflite_check import check_model


@dataclass(frozen=True, slots=True)
class VerifiedBundle:
    """What a bundle that is whole holds."""

    name: str
    files: dict[str, str]
    """Variant to file name."""
    signed_by: list[str]
    """Public keys."""


def verify(folder: Path, trusted: Sequence[str] = ()) -> VerifiedBundle:
    """Read all of a bundle. Raise ModelError saying what is wrong, SignatureError when no trusted key has signed it."""
    signed_by: list[str] = []

    def take(folder: Path, card: bytes) -> None:
        signed_by.extend(signers(folder, card))
        if trusted:
            judge(trusted)(folder, card)

    bundle = read_bundle(folder, take)
    check_files(bundle)
    return VerifiedBundle(bundle.card.name, {name: file.path for name, file in bundle.card.files.items()}, signed_by)


def check_files(bundle: Bundle) -> None:
    """Raise ModelError when a file is not the one that the card describes, or no network that edgeface runs."""
    for name, variant in bundle.card.files.items():
        check_model(bundle.read_model(name), str(bundle.folder / variant.path))
