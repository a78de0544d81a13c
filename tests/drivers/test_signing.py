"""A bundle is signed by whom it says, and where keys are trusted no other is used."""

import base64
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edgeface import wiring
from edgeface.card import read_bundle
from edgeface.config import Config, ModelSettings, RecognitionSettings
from edgeface.drivers.signing import PREFIX, SIGNATURE_NAME, judge, make_key, sign, signers
from edgeface.drivers.verify_bundle import verify
from edgeface.errors import CardMismatch, ConfigError, MissingExtra, ModelError, SignatureError
from tests.fixtures import TINY_BUNDLE

pytest.importorskip("cryptography", reason="the extra secure is not installed")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return shutil.copytree(TINY_BUNDLE, tmp_path / "bundle")


@pytest.fixture
def key(tmp_path: Path) -> tuple[Path, str]:
    """A private key's file and the public key."""
    return tmp_path / "signer.pem", make_key(tmp_path / "signer.pem")


def trusting(bundle: Path, *keys: str) -> Config:
    model = ModelSettings(trusted_keys=keys)
    return replace(Config(), model=model, recognition=RecognitionSettings(model=str(bundle)))


def test_a_signed_bundle_is_used_where_its_key_is_trusted(bundle: Path, key: tuple[Path, str]) -> None:
    assert sign(bundle, key[0]) == key[1]
    assert wiring.read_model(trusting(bundle, key[1])).card.name == "tiny"
    assert verify(bundle, [key[1]]).signed_by == [key[1]]
    assert len(verify(bundle).files) == 3


def test_an_unsigned_bundle_is_used_only_where_no_key_is_trusted(bundle: Path, key: tuple[Path, str]) -> None:
    assert wiring.read_model(trusting(bundle)).card.name == "tiny"
    with pytest.raises(SignatureError, match="signed by none of the 1 trusted keys") as caught:
        wiring.read_model(trusting(bundle, key[1]))
    assert "edgeface bundle sign" in caught.value.hint
    assert caught.value.exit_code == 4


def test_a_stranger_s_signature_is_none(bundle: Path, key: tuple[Path, str], tmp_path: Path) -> None:
    stranger = make_key(tmp_path / "stranger.pem")
    sign(bundle, tmp_path / "stranger.pem")
    with pytest.raises(SignatureError, match="signed by none"):
        wiring.read_model(trusting(bundle, key[1]))
    sign(bundle, key[0])
    assert wiring.read_model(trusting(bundle, key[1])).card.name == "tiny"
    assert verify(bundle).signed_by == [stranger, key[1]]


def test_one_changed_byte_of_card_signature_or_file_is_refused(bundle: Path, key: tuple[Path, str]) -> None:
    sign(bundle, key[0])
    config = trusting(bundle, key[1])
    for name in ("model.json", SIGNATURE_NAME):
        whole = (bundle / name).read_bytes()
        for place in range(0, len(whole), max(1, len(whole) // 40)):
            (bundle / name).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(SignatureError):
                wiring.read_model(config)
        (bundle / name).write_bytes(whole)
    content = (bundle / "model-int8.tflite").read_bytes()
    (bundle / "model-int8.tflite").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(CardMismatch):
        verify(bundle, [key[1]])


def test_an_untrusted_card_is_not_even_read_as_json(bundle: Path, key: tuple[Path, str]) -> None:
    (bundle / "model.json").write_text("[" * 1000)
    with pytest.raises(SignatureError):
        wiring.read_model(trusting(bundle, key[1]))


def test_the_bundle_of_the_program_needs_no_signature(key: tuple[Path, str]) -> None:
    if not wiring.DEFAULT_BUNDLE.is_dir():
        pytest.skip("this edgeface carries no model")
    config = replace(Config(), model=ModelSettings(trusted_keys=(key[1],)))
    assert wiring.read_model(config).folder == wiring.DEFAULT_BUNDLE


def test_a_bundle_that_was_changed_can_be_signed_again(bundle: Path, key: tuple[Path, str], tmp_path: Path) -> None:
    make_key(tmp_path / "other.pem")
    sign(bundle, tmp_path / "other.pem")
    sign(bundle, key[0])
    card = bundle / "model.json"
    card.write_text(card.read_text() + "\n")
    with pytest.raises(SignatureError, match="is not the one that"):
        verify(bundle)
    sign(bundle, key[0])
    assert verify(bundle, [key[1]]).signed_by == [key[1]]


def test_a_signature_is_one_of_rfc_8032_over_prefix_and_card(bundle: Path, key: tuple[Path, str]) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    sign(bundle, key[0])
    kind, public, signature = (bundle / SIGNATURE_NAME).read_text().split()
    assert kind == "ed25519"
    message = PREFIX + (bundle / "model.json").read_bytes()
    Ed25519PublicKey.from_public_bytes(base64.b64decode(public)).verify(base64.b64decode(signature), message)
    assert signers(bundle, (bundle / "model.json").read_bytes()) == [public]


@pytest.mark.parametrize("content", [b"\xff", b"ed25519", b"rsa a b\n", b"ed25519 AAAA AAAA\n", b"\0" * 20_000])
def test_a_signature_of_garbage_is_one_clear_line(bundle: Path, content: bytes) -> None:
    (bundle / SIGNATURE_NAME).write_bytes(content)
    with pytest.raises(ModelError, match="signature"):
        signers(bundle, b"{}")


def test_keys_that_are_none_are_named(tmp_path: Path, key: tuple[Path, str]) -> None:
    with pytest.raises(ConfigError, match="is no Ed25519 key"):
        judge(["AAAA"])
    (tmp_path / "bad.pem").write_text("no key")
    with pytest.raises(ConfigError, match="is no private key in PEM"):
        sign(TINY_BUNDLE, tmp_path / "bad.pem")
    with pytest.raises(ConfigError, match="No such file"):
        sign(TINY_BUNDLE, tmp_path / "none.pem")
    with pytest.raises(ConfigError, match="exists already"):
        make_key(key[0])
    assert key[0].stat().st_mode & 0o777 == 0o600


def test_without_the_extra_a_trusted_key_refuses_rather_than_trusts(
    bundle: Path, key: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingExtra, match="need the package cryptography"):
        wiring.read_model(trusting(bundle, key[1]))
    assert read_bundle(bundle).card.name == "tiny"
