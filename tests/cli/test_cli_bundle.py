"""bundle key, sign and verify."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.test_cli_help import GOLDENS, compare, shape
from tests.fixtures import TINY_BUNDLE


@pytest.fixture(autouse=True)
def bundle(cli):
    """A copy of the small bundle, in the folder where commands run."""
    pytest.importorskip("cryptography", reason="the extra secure is not installed")
    return shutil.copytree(TINY_BUNDLE, Path("small"))


def test_a_bundle_is_signed_and_then_used_by_who_trusts_the_key(cli):
    public = cli("bundle", "key", "signer.pem").out.strip()
    Path("trusting.toml").write_text(f'[model]\ntrusted_keys = ["{public}"]\n')
    unsigned = cli("bundle", "verify", "small", "--config", "trusting.toml")
    assert (unsigned.code, unsigned.out) == (4, "")
    assert "signed by none of the 1 trusted keys" in unsigned.err
    assert cli("bundle", "verify", "small").out.splitlines()[-1] == "not signed"
    assert cli("bundle", "sign", "small", "--key", "signer.pem").out.strip() == public
    verified = cli("bundle", "verify", "small", "--config", "trusting.toml").out.splitlines()
    assert "float16: model-float16.tflite is whole" in verified
    assert verified[-1] == f"signed by {public}"
    doctor = cli("doctor", "--no-camera", "--model", "small", "--config", "trusting.toml", "--json")
    assert next(found for found in doctor.objects if found["check"] == "model")["ok"]


def test_a_damaged_bundle_is_not_signed(cli):
    assert cli("bundle", "key", "signer.pem").code == 0
    path = Path("small/model-float16.tflite")
    path.write_bytes(path.read_bytes()[:-1])
    refused = cli("bundle", "sign", "small", "--key", "signer.pem")
    assert (refused.code, refused.out) == (4, "")
    assert "is not the one its card describes" in refused.err
    assert not Path("small/model.json.sig").exists()


def test_the_shape_of_json_is_the_promised_one(cli):
    cli("bundle", "key", "signer.pem")
    cli("bundle", "sign", "small", "--key", "signer.pem")
    [found] = cli("bundle", "verify", "small", "--json").objects
    compare(GOLDENS / "json-bundle.txt", f"$ edgeface bundle verify small --json\n{json.dumps(shape(found))}\n")
