"""Sign bundles, and let only those of trusted keys be used.

A bundle's signature is the file `model.json.sig` beside its card: a line for each signer, `ed25519 KEY SIGNATURE`,
both in base64, the key being the 32 bytes of the public key. What is signed is PREFIX and the bytes of the card, which
knows each model file by its SHA-256 (Ed25519: RFC 8032).
"""

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgeface.card import CARD_NAME, MAX_CARD_BYTES, read_plain
from edgeface.drivers.durable import replacing
from edgeface.errors import ConfigError, MissingExtra, ModelError, SignatureError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNATURE_NAME = f"{CARD_NAME}.sig"
PREFIX = b"edgeface bundle 1\n"
"""Of what is signed, so that no signature made for something else fits."""
KIND = "ed25519"
KEY_BYTES, SIGNATURE_BYTES = 32, 64
MOST_BYTES = 16 << 10
"""Of a signature file or a key file."""


def make_key(path: Path) -> str:
    """Write a new private key, PEM and for the owner alone, and return its public key. Raise ConfigError."""
    _require_cryptography()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    try:
        if path.exists():
            raise ConfigError(f"key {path} exists already", hint="name another file")
        with replacing(path) as draft:
            draft.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    except OSError as error:
        raise ConfigError(f"key {path} cannot be written: {error.strerror}") from error
    return _public(key)


def sign(folder: Path, key_file: Path) -> str:
    """Sign a bundle's card, beside those whose signature is right; return the public key.

    Raise ModelError, ConfigError.
    """
    key = _private_key(key_file)
    public, card = _public(key), _card(folder)
    path = folder / SIGNATURE_NAME
    others = [line for line in _lines(path) if line[0] != public and _is_signed(*line, PREFIX + card)]
    signature = base64.b64encode(key.sign(PREFIX + card)).decode()
    lines = [f"{KIND} {signer} {signed}\n" for signer, signed in [*others, (public, signature)]]
    try:
        with replacing(path) as draft:
            draft.write_text("".join(lines))
            draft.chmod(0o644)
    except OSError as error:
        raise ModelError(f"signature {path} cannot be written: {error.strerror}") from error
    return public


def signers(folder: Path, card: bytes) -> list[str]:
    """Return the public keys that have signed these bytes of the card. Raise SignatureError for a wrong signature."""
    found = []
    for public, signature in _lines(folder / SIGNATURE_NAME):
        if not _is_signed(public, signature, PREFIX + card):
            raise SignatureError(
                f"bundle {folder} is not the one that {public[:12]}… signed",
                hint="copy the whole bundle again, from where it was signed",
            )
        found.append(public)
    return found


def judge(trusted: Sequence[str]) -> Callable[[Path, bytes], None]:
    """Return what raises SignatureError for a bundle that no trusted key has signed, given its folder and card.

    Raise ConfigError for a key that is none, MissingExtra without the package cryptography.
    """
    for key in trusted:
        check_key(key)
    _require_cryptography()

    def check(folder: Path, card: bytes) -> None:
        if not set(signers(folder, card)) & set(trusted):
            raise SignatureError(
                f"bundle {folder} is signed by none of the {len(trusted)} trusted keys",
                hint="sign it with `edgeface bundle sign`, or add its key to model.trusted_keys if you trust it",
            )

    return check


def check_key(key: str) -> None:
    """Raise ConfigError for what is no public key."""
    if len(_decoded(key)) != KEY_BYTES:
        raise ConfigError(
            f"model.trusted_keys: {key!r} is no Ed25519 key of 32 bytes in base64",
            hint="`edgeface bundle key` and `edgeface bundle sign` print it",
        )


def _is_signed(public: str, signature: str, content: bytes) -> bool:
    _require_cryptography()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(_decoded(public)).verify(_decoded(signature), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def _lines(path: Path) -> list[tuple[str, str]]:
    """Return each signer and signature; none where there is no file."""
    try:
        text = read_plain(path, "signature", MOST_BYTES).decode("ascii")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise SignatureError(f"signature {path} cannot be read: {error}", hint="sign the bundle again") from error
    found = []
    for line in text.removesuffix("\n").split("\n"):
        words = line.split(" ")
        if len(words) != 3 or words[0] != KIND or not _are_sized(*words[1:]):
            raise SignatureError(f"signature {path} is damaged: {line!r:.60}", hint="sign the bundle again")
        found.append((words[1], words[2]))
    return found


def _are_sized(public: str, signature: str) -> bool:
    return len(_decoded(public)) == KEY_BYTES and len(_decoded(signature)) == SIGNATURE_BYTES


def _decoded(text: str) -> bytes:
    """Return bytes from the one text that stands for them; nothing for any other."""
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        return b""
    return content if base64.b64encode(content).decode() == text else b""


def _card(folder: Path) -> bytes:
    try:
        return read_plain(folder / CARD_NAME, "card", MAX_CARD_BYTES)
    except OSError as error:
        raise ModelError(
            f"no model bundle in {folder}: {CARD_NAME} cannot be read ({error.strerror})",
            hint="give a folder that `edgeface export` wrote",
        ) from error


def _private_key(path: Path) -> "Ed25519PrivateKey":
    _require_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(read_plain(path, "key", MOST_BYTES), password=None)
    except OSError as error:
        raise ConfigError(f"key {path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"key {path} is no private key in PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"key {path} is no Ed25519 key", hint="`edgeface bundle key FILE` makes one")
    return key


def _public(key: "Ed25519PrivateKey") -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def _require_cryptography() -> None:
    try:
        import cryptography  # noqa: F401 (whether it is there)
    except ImportError as error:
        raise MissingExtra(
            f"signatures of bundles need the package cryptography: {error}", hint="pip install 'edgeface[secure]'"
        ) from error
