"""A processor without bfloat16 is told of, before it takes hours."""

from pathlib import Path

import pytest
from edgeface_train.processor import slow_precision

AVX2 = "processor\t: 0\nflags\t\t: fpu sse4_2 avx2 fma\n"
AVX512 = "processor\t: 0\nflags\t\t: fpu avx2 avx512f avx512_bf16\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd bf16\n"


@pytest.mark.parametrize(
    ("precision", "devices", "text", "slow"),
    [
        ("bfloat16", ["cpu:0"], AVX2, True),
        ("float32", ["cpu:0"], AVX2, False),
        ("bfloat16", ["cpu:0"], AVX512, False),
        ("bfloat16", ["cpu:0"], ARM, False),
        ("bfloat16", ["cpu:0"], ARM.replace(" bf16", ""), True),
        ("bfloat16", ["gpu:0"], AVX2, False),
        ("bfloat16", ["cpu:0"], "", False),
    ],
)
def test_bfloat16_is_warned_of_where_the_processor_lacks_it(
    tmp_path: Path, precision: str, devices: list[str], text: str, slow: bool
) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(text)
    said = slow_precision(precision, devices, info)
    assert (said is not None) == slow
    assert said is None or "network.precision=float32" in said


def test_nothing_is_said_where_nobody_can_tell(tmp_path: Path) -> None:
    assert slow_precision("bfloat16", ["cpu:0"], tmp_path / "none") is None
