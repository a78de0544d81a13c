"""What a document tells its reader to type, as a machine without a Pi's archive and camera can type it."""

import re

STANDS_FOR = {
    "ADDRESS-OF-THIS-REPOSITORY": "/srv/edgeface.git",
    "python3-picamera2": "python3-numpy",
}
"""Words of the document, and what the lab has for them. picamera2 is in Raspberry Pi OS alone; of what it brings,
the system's NumPy decides which environment is made."""


def commands(document: str, heading: str = "") -> list[str]:
    """Return the commands of the first shell block after a heading, without their comments.

    Raises ValueError where there is none.
    """
    after = document.partition(heading)[2] if heading else document
    block = re.search(r"^```sh\n(.*?)^```$", after, re.MULTILINE | re.DOTALL)
    if not block:
        raise ValueError(f"no shell block after {heading or 'the beginning'}")
    lines = (re.sub(r"\s+# .*", "", line).strip() for line in block[1].splitlines())
    return [line for line in lines if line]


def spoken(document: str) -> set[str]:
    """Return what stands as code within its sentences."""
    text = re.sub(r"^```.*?^```$", "", document, flags=re.MULTILINE | re.DOTALL)
    return {" ".join(words.split()) for words in re.findall(r"`([^`]+)`", text)}


def in_the_lab(command: str, architecture: str = "arm64") -> str:
    """Return a command with what the lab has for it, on an architecture as Debian calls it."""
    for word, other in STANDS_FOR.items():
        command = command.replace(word, other)
    return command.replace("arm64", architecture)
