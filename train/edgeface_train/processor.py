"""Tell before hours of training that the processor lacks what the recipe counts on."""

from collections.abc import Sequence
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}
"""Linux's names of instructions that multiply bfloat16: two of x86, one of ARM."""


def slow_precision(precision: str, devices: Sequence[str], cpu_info: Path = CPU_INFO) -> str | None:
    """Return what to do where a precision is computed in small steps by a processor without instructions for it.

    `devices` are those that Keras would train on, such as "cpu:0". None where it is fast, or nobody can tell.
    """
    if precision != "bfloat16" or any(not device.startswith("cpu") for device in devices):
        return None
    try:
        lines = [line.partition(":") for line in cpu_info.read_text().splitlines()]
    except OSError:
        return None
    flags = {flag for name, _, value in lines if name.strip() in ("flags", "Features") for flag in value.split()}
    if not flags or flags & BFLOAT16:
        return None
    return (
        "this processor has no instructions for bfloat16, which makes it many times slower than float32: "
        "stop, and begin again with -o network.precision=float32"
    )
