"""Ask a running process what the kernel lets it open, by having it try."""

from pathlib import Path

from container import Broken, Container

ASK = Path(__file__).with_name("ask.py")

LIMITS = ("Max address space", "Max file size", "Max open files", "Max core file size")
"""Those that a decoder sets for itself, as /proc calls them."""


def opens(box: Container, process: str, files: tuple[str, ...]) -> list[int]:
    """Stop a process for a moment and have it open each file for reading; return the error numbers, 0 where it can.

    Raise Broken when it cannot be asked.
    """
    said = box.run("python3", "-I", "-c", ASK.read_text(), process, *files, ask=True)
    if said.returncode:
        raise Broken(f"process {process} cannot be asked: {said.stderr[-300:]}")
    return [int(line) for line in said.stdout.splitlines()]


def own_limits(box: Container, process: str) -> dict[str, str]:
    """Return the soft limits of a process that a decoder sets for itself. Raise Broken without such a process."""
    said = box.run("cat", f"/proc/{process}/limits").stdout.splitlines()
    return {name: line[len(name) :].split()[0] for line in said for name in LIMITS if line.startswith(name)}
