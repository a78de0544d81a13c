"""A device's environment: the product works there with no TensorFlow, on the runtime that is installed."""

import importlib.util
import subprocess
import sys

import pytest

from edgeface.card import read_bundle
from edgeface.drivers import runtime
from edgeface.drivers.embedder import TfliteEmbedder
from edgeface.wiring import DEFAULT_BUNDLE
from tests.fixtures import TINY_BUNDLE

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is not None, reason="this is the host's environment"
)


@pytest.mark.parametrize("bundle", [TINY_BUNDLE, DEFAULT_BUNDLE], ids=["tiny", "shipped"])
@pytest.mark.parametrize("variant", ["float16", "int8"])
def test_each_shipped_file_meets_its_golden_vector_on_this_runtime(bundle, variant):
    embedder = TfliteEmbedder(read_bundle(bundle), variant=variant)
    assert embedder.runtime == runtime.available()[0]


def test_the_training_commands_say_what_to_install(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "edgeface", "train", "seed.toml", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 6, done.stderr
    assert "pip install 'edgeface[train]'" in done.stderr
