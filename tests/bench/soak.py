"""Run the daemon for long, with a fault every few seconds: `make soak MINUTES=20`.

`edgeface run --daemon` watches a stream on loopback: an empty room, a portrait from scikit-image that is enrolled, and
where ../shared/video is, strangers from a film. Faults come in a seeded order: the stream is gone, black, frozen,
stalled, slow or of another size; SIGHUP with other settings and with wrong ones; and a webhook whose receiver is dead.
In between somebody enrols from the daemon's camera. A sink of every kind is told. A fault lasts until it was seen.
Standard error tells of each; the last line of standard output is one JSON object, in which MB are 10^6 bytes. The exit
code is 1 when a fault was not seen or mended, when the process ended by itself or printed a traceback, or when it took
more memory than is promised.

`told_ms` is from the arrival of the frame that decided to the line on standard output; `arrival_ms` from the first
picture of somebody known that was sent. The seed fixes which faults come and for how long at least, not the moments.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2

from edgeface.cli.main import main as edgeface
from tests.bench.soak_daemon import REPOSITORY, Daemon
from tests.bench.soak_faults import REASONS, Ledger, Planned, percentile, schedule
from tests.bench.soak_sinks import PINS, Sinks
from tests.bench.soak_stream import Scene, Stage

CLIP = REPOSITORY.parent / "shared" / "video" / "strangers.mp4"
NAME, VISITOR = "eileen", "visitor"
SEEN_SECONDS, RECOVERED_SECONDS = 45.0, 90.0
"""What takes longer counts as missed; a back-off may be as long as a minute."""
SETTLE_SECONDS = 4.0
ENROLL_SECONDS = 8.0
REFUSED = 5
"""The exit code of an enrolment that saw nobody, several, or who is enrolled already: it has worked."""
POLL_SECONDS = 0.2
WARM_SHARE, WARM_SECONDS = 1 / 3, 120.0
"""Memory is compared from this share of the run on, at the latest from so many seconds on."""
PROMISED_MB = 150.0
"""The daemon's process takes less, at any moment that was looked at."""
PROMISED_GROWTH_MB, GROWTH_SECONDS = 5.0, 600.0
"""It grows by less; a shorter run is too short to tell."""


class Soak:
    """A daemon, what it watches and tells, and the faults that it is put to."""

    def __init__(self, folder: Path, stage: Stage, sinks: Sinks) -> None:
        self.settings, self.stage, self.sinks, self.ledger = folder / "soak.toml", stage, sinks, Ledger()
        self._folder, self._patience = folder, 3.0
        self._write_settings()
        self.daemon = Daemon(self.settings, folder, PINS)
        self.arrivals: list[float] = []
        self.spontaneous = 0
        """Faults of the camera that nobody injected."""
        self._read = 0

    def run(self, seconds: float, seed: int) -> None:
        """Go on for so long; a fault that has begun is finished."""
        end = time.monotonic() + seconds
        self._wait(lambda: self.daemon.camera_state == "ok", RECOVERED_SECONDS, injected=True)
        for planned in schedule(seed):
            self._wait(lambda: False, planned.quiet_seconds)
            if time.monotonic() >= end:
                break
            began = time.monotonic()
            seen, recovered = self._suffer(planned)
            most = max((mb for at, mb in self.daemon.resident if at >= began), default=0.0)
            self.ledger.count(planned.kind, seen=seen, recovered=recovered)
            print(
                f"{planned.kind}: {'seen' if seen else 'NOT SEEN'}, {'' if recovered else 'NOT '}recovered, "
                f"{most:.1f} MB",
                file=sys.stderr,
            )

    def _suffer(self, planned: Planned) -> tuple[bool, bool]:
        if planned.kind == "dead sink":
            return self._lose_the_sink(planned)
        if planned.kind in ("reload", "bad settings"):
            return self._reload(good=planned.kind == "reload")
        if planned.kind == "enrolment":
            return self._enroll()
        before = len(self.daemon.events)
        self.stage.fault = planned.kind

        def is_seen() -> bool:
            if not REASONS[planned.kind]:
                return self.daemon.camera_state == "ok"
            return any(event.get("reason") in REASONS[planned.kind] for _, event in self.daemon.events[before:])

        self._wait(lambda: False, planned.least_seconds, injected=True)
        seen = self._wait(is_seen, SEEN_SECONDS, injected=True)
        self.stage.fault = ""
        self._wait(lambda: False, SETTLE_SECONDS, injected=True)
        return seen, self._wait(lambda: self.daemon.camera_state == "ok", RECOVERED_SECONDS, injected=True)

    def _reload(self, *, good: bool) -> tuple[bool, bool]:
        words, events = len(self.daemon.told), len(self.daemon.events)
        self._patience = 7.0 - self._patience
        self._write_settings("" if good else "[presence]\npatience = 1\n")
        self.daemon.hang_up()
        sought = "the settings changed" if good else "did you mean presence.patience_seconds?"
        seen = self._wait(lambda: any(sought in line for line in self.daemon.told[words:]), SEEN_SECONDS, injected=True)
        if good:

            def began() -> bool:
                return any(event.get("state") == "ok" for _, event in self.daemon.events[events:])

            return seen, self._wait(began, RECOVERED_SECONDS, injected=True)
        self._patience = 7.0 - self._patience
        self._write_settings()
        exits = len(self.daemon.exits)
        self._wait(lambda: False, 2.0)
        return seen, len(self.daemon.exits) == exits

    def _lose_the_sink(self, planned: Planned) -> tuple[bool, bool]:
        receiver = self.sinks.receiver
        refused = receiver.refused
        receiver.dead = True
        self._wait(lambda: False, planned.least_seconds)
        seen = self._wait(lambda: receiver.refused > refused, SEEN_SECONDS)
        accepted = receiver.accepted
        receiver.dead = False
        return seen, self._wait(lambda: receiver.accepted > accepted, RECOVERED_SECONDS)

    def _enroll(self) -> tuple[bool, bool]:
        """Let somebody be enrolled, and forget whoever it was."""
        enrolling = self.daemon.ask("enroll", "--name", VISITOR, "--camera", "--seconds", f"{ENROLL_SECONDS:g}")
        answered = self._wait(lambda: enrolling.poll() is not None, ENROLL_SECONDS + SEEN_SECONDS)
        enrolling.kill()
        _, said = enrolling.communicate()
        seen = answered and "looking at the daemon's camera" in said
        if not seen or enrolling.returncode not in (0, REFUSED):
            print(said, file=sys.stderr)
            return seen, False
        if enrolling.returncode == 0:
            forgetting = self.daemon.ask("forget", VISITOR)
            self._wait(lambda: forgetting.poll() is not None, SEEN_SECONDS)
            forgetting.kill()
            forgetting.communicate()
            return seen, forgetting.returncode == 0
        return seen, True

    def _wait(self, reached: Callable[[], bool], seconds: float, *, injected: bool = False) -> bool:
        """Look after the daemon until something is reached or the time is over; tell whether it was."""
        deadline = time.monotonic() + seconds
        while True:
            self.daemon.look()
            self._note_events(injected=injected)
            if reached():
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_SECONDS)

    def _note_events(self, *, injected: bool) -> None:
        new = self.daemon.events[self._read :]
        self._read += len(new)
        for at, event in new:
            self.spontaneous += event.get("state") == "faulty" and not injected
            if event["kind"] == "arrived" and event["name"] == NAME and self.stage.shown_at:
                self.arrivals.append(at - self.stage.shown_at)
                self.stage.shown_at = 0.0

    def _write_settings(self, more: str = "") -> None:
        draft = self._folder / "draft.toml"
        draft.write_text(
            f'[camera]\nsource = "{self.stage.address}"\n'
            f'[gallery]\npath = "{self._folder / "gallery.db"}"\n'
            f'[output]\nevents = ["arrived", "left", "camera", "thermal", "no_face"]\n'
            + f'[control]\nsocket = "{self._folder / "control.sock"}"\n'
            + self.sinks.settings()
            + (more or f"[presence]\npatience_seconds = {self._patience}\n")
        )
        draft.replace(self.settings)


def report(soak: Soak, seconds: float, seed: int) -> dict[str, Any]:
    """Return the figures of a soak that is over."""
    ledger, daemon = soak.ledger, soak.daemon
    told = [
        at - datetime.fromisoformat(event["at"]).timestamp()
        for at, event in daemon.events
        if event["kind"] == "arrived"
    ]
    kinds = [event["kind"] for _, event in daemon.events]
    return {
        "minutes": round(seconds / 60, 2),
        "seed": seed,
        "faults": {"injected": ledger.injected, "seen": ledger.seen, "recovered": ledger.recovered},
        "missed": ledger.wrong,
        "spontaneous_faults": soak.spontaneous,
        "unplanned_exits": daemon.exits,
        "tracebacks": sum(line.startswith("Traceback") for line in daemon.told),
        "rss_mb": {
            "most": round(daemon.most_mb, 1),
            "promised": PROMISED_MB,
            "growth": growth(daemon.resident),
            "promised_growth": PROMISED_GROWTH_MB if seconds >= GROWTH_SECONDS else None,
            "decoder_most": round(daemon.most_decoder_mb, 1),
        },
        "mqtt_broker": soak.sinks.has_broker,
        "told_ms": {"p50": _ms(percentile(told, 0.5)), "p99": _ms(percentile(told, 0.99)), "events": len(told)},
        "arrival_ms": {
            "p50": _ms(percentile(soak.arrivals, 0.5)),
            "p99": _ms(percentile(soak.arrivals, 0.99)),
            "events": len(soak.arrivals),
        },
        "events": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        "load_average": round(os.getloadavg()[1], 1),
    }


def growth(resident: list[tuple[float, float]]) -> float | None:
    """Return by how many MB the most memory of a third of the run grew, from the first to the last after the warm-up.

    The most, because what a watch gives back between two faces it needs again.
    """
    if not resident:
        return None
    first, last = resident[0][0], resident[-1][0]
    warm = first + min(WARM_SECONDS, (last - first) * WARM_SHARE)
    third = (last - warm) / 3
    early = [mb for at, mb in resident if warm <= at <= warm + third]
    late = [mb for at, mb in resident if at >= last - third]
    return round(max(late) - max(early), 1)


def broken(result: dict[str, Any]) -> list[str]:
    """Return what was promised of memory and not kept, in words."""
    memory = result["rss_mb"]
    found = []
    if not 0 < memory["most"] < memory["promised"]:
        found.append(f"it took {memory['most']} MB, less than {memory['promised']} are promised")
    grown, promised = memory["growth"], memory["promised_growth"]
    if promised is not None and (grown is None or grown >= promised):
        found.append(f"it grew by {grown} MB, less than {promised} are promised")
    return found


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def main() -> None:
    """Run the soak as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    from skimage.data import astronaut

    portrait, start = astronaut(), time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="edgeface-soak-") as name,
        Stage(Scene(portrait, CLIP if CLIP.is_file() else None)) as stage,
        Sinks(Path(name), NAME) as sinks,
    ):
        folder = Path(name)
        cv2.imwrite(str(folder / "portrait.png"), portrait[..., ::-1])
        try:
            edgeface(["enroll", "--gallery", f"{folder}/gallery.db", "--name", NAME, f"{folder}/portrait.png"])
        except SystemExit as ended:
            if ended.code:
                raise
        soak = Soak(folder, stage, sinks)
        try:
            soak.run(given.minutes * 60, given.seed)
        finally:
            soak.daemon.end()
        result = report(soak, time.monotonic() - start, given.seed)
    for line in soak.daemon.told:
        print(line, file=sys.stderr)
    result["broken"] = broken(result)
    print(json.dumps(result))
    sys.exit(bool(soak.ledger.wrong or soak.daemon.exits or result["tracebacks"] or result["broken"]))


if __name__ == "__main__":
    main()
