"""What two cameras take in one process and in two: `make cameras-bench SECONDS=30`; the last line is JSON.

Both sides run the real `edgeface run --daemon` on two streams on loopback, in which somebody enrolled comes and goes. A
process has its memory read once a second over the second half of the time. RSS counts what processes share once for
each of them; PSS shares it out, so that two processes can be added up. The sides take turns, not at the same time.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import cv2

from edgeface.cli.main import main as edgeface
from tests.bench.soak_daemon import Daemon
from tests.bench.soak_stream import Scene, Stage

NAMES = ("door", "yard")
NAME = "eileen"


def main() -> None:
    """Run the bench as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="for each side")
    seconds = parser.parse_args().seconds
    from skimage.data import astronaut

    portrait = astronaut()
    scene = Scene(portrait, None)
    with tempfile.TemporaryDirectory(prefix="edgeface-cameras-") as name, Stage(scene) as door, Stage(scene) as yard:
        folder, addresses = Path(name), dict(zip(NAMES, (door.address, yard.address), strict=True))
        cv2.imwrite(str(folder / "portrait.png"), portrait[..., ::-1])
        enrol(folder)
        alone = [f'[camera]\nsource = "{address}"\n' for address in addresses.values()]
        both = "".join(f'[[cameras]]\nname = "{name}"\nsource = "{address}"\n' for name, address in addresses.items())
        one, two = measure(folder, [both], seconds), measure(folder, alone, seconds)
    saved = round(two["pss_mib"] - one["pss_mib"], 1)
    load = round(os.getloadavg()[0], 1)
    print(json.dumps({"one_process": one, "two_processes": two, "pss_saved_mib": saved, "load_average": load}))


def enrol(folder: Path) -> None:
    """Enrol the portrait."""
    try:
        edgeface(["enroll", "--gallery", f"{folder}/gallery.db", "--name", NAME, f"{folder}/portrait.png"])
    except SystemExit as ended:
        if ended.code:
            raise


def measure(folder: Path, settings: list[str], seconds: float) -> dict[str, Any]:
    """Run a process for each of the settings; return their memory in MiB, added up, and what they told."""
    daemons = []
    for place, text in enumerate(settings):
        path = folder / f"settings-{place}.toml"
        path.write_text(f'{text}[gallery]\npath = "{folder / "gallery.db"}"\n')
        daemons.append(Daemon(path, folder))
    try:
        time.sleep(seconds / 2)
        seen = [[memory(daemon.process_id) for daemon in daemons] for _ in _each_second(seconds / 2)]
    finally:
        for daemon in daemons:
            daemon.end()
    told = [event for daemon in daemons for _, event in daemon.events]
    sums = {key: round(median(sum(each[key] for each in reading) for reading in seen), 1) for key in seen[0][0]}
    names = sum(event["kind"] == "arrived" and event["name"] == NAME for event in told)
    faults = sum(event.get("state") == "faulty" for event in told)
    return {**sums, "arrivals": names, "faults": faults, "exits": [code for daemon in daemons for code in daemon.exits]}


def memory(process: int) -> dict[str, float]:
    """Return RSS and PSS of a process in MiB."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    return {"rss_mib": kib["Rss"] / 1024, "pss_mib": kib["Pss"] / 1024}


def _each_second(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(1)
        yield


if __name__ == "__main__":
    main()
