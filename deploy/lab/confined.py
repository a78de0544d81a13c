"""Ask a running process what the kernel lets it open, by having it try."""

from container import Broken, Container

LIMITS = ("Max address space", "Max file size", "Max open files", "Max core file size")
"""Those that a decoder sets for itself, as /proc calls them."""


def opens(box: Container, process: str, files: tuple[str, ...]) -> list[int]:
    """Stop a process for a moment and have it open each file for reading; return the error numbers, 0 where it can.

    Raise Broken when it cannot be asked.
    """
    call = '((int (*)(const char *, int)) open)("{}", 0) < 0 ? *((int *(*)(void)) __errno_location)() : 0'
    asked = [word for file in files for word in ("--eval-command", f"print {call.format(file)}")]
    # Of its many libraries only the one that is needed is read, or the stop would be a long one.
    words = ("--batch", "--nx", "--init-eval-command=set auto-solib-add off", f"--pid={process}")
    said = box.run("gdb", *words, "--eval-command=sharedlibrary /libc.so", *asked, ask=True)
    codes = [int(line.partition(" = ")[2]) for line in said.stdout.splitlines() if line.startswith("$")]
    if len(codes) != len(files):
        raise Broken(f"gdb cannot ask process {process}: {(said.stderr or said.stdout)[-300:]}")
    return codes


def own_limits(box: Container, process: str) -> dict[str, str]:
    """Return the soft limits of a process that a decoder sets for itself. Raise Broken without such a process."""
    said = box.run("cat", f"/proc/{process}/limits").stdout.splitlines()
    return {name: line[len(name) :].split()[0] for line in said for name in LIMITS if line.startswith(name)}
