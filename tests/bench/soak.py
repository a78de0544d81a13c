"""Run the daemon for long, with a fault every few seconds: `make soak MINUTES=20`.

`edgeface run --daemon` watches a stream on loopback: an empty room, a portrait from scikit-image that is enrolled, and
where ../shared/video is, strangers from a film. Faults come in a seeded order: the stream is gone, black, frozen,
stalled, slow or of another size; SIGHUP with other settings and with wrong ones; and a webhook whose receiver is dead.
A fault lasts until it was seen. Standard error tells of each; the last line of standard output is one JSON object. The
exit code is 1 when a fault was not seen or mended, when the process ended by itself, or when it printed a traceback.

`told_ms` is from the arrival of the frame that decided to the line on standard output; `arrival_ms` from the first
picture of somebody known that was sent. The seed fixes which faults come and for how long at least, not the moments.
"""

import argparse
import http.server
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import cv2

from edgeface.cli.main import main as edgeface
from tests.bench.soak_daemon import REPOSITORY, Daemon
from tests.bench.soak_faults import REASONS, Ledger, Planned, percentile, schedule
from tests.bench.soak_stream import Scene, Stage

CLIP = REPOSITORY.parent / "shared" / "video" / "strangers.mp4"
NAME = "eileen"
SEEN_SECONDS, RECOVERED_SECONDS = 45.0, 90.0
"""What takes longer counts as missed; a back-off may be as long as a minute."""
SETTLE_SECONDS = 4.0
POLL_SECONDS = 0.2
WARM_SHARE, WARM_SECONDS = 1 / 3, 120.0
"""Memory is compared from this share of the run on, at the latest from so many seconds on."""


class Receiver:
    """The other end of the webhook; a dead one answers with 503."""

    def __init__(self) -> None:
        self.dead, self.refused, self.accepted = False, 0, 0
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                receiver.refused += receiver.dead
                receiver.accepted += not receiver.dead
                self.send_response(503 if receiver.dead else 204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/"


class Soak:
    """A daemon, what it watches and tells, and the faults that it is put to."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        self.settings, self.stage, self.receiver, self.ledger = folder / "soak.toml", stage, Receiver(), Ledger()
        self._folder, self._patience = folder, 3.0
        self._write_settings()
        self.daemon = Daemon(self.settings, folder)
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
            seen, recovered = self._suffer(planned)
            self.ledger.count(planned.kind, seen=seen, recovered=recovered)
            print(
                f"{planned.kind}: {'seen' if seen else 'NOT SEEN'}, {'' if recovered else 'NOT '}recovered",
                file=sys.stderr,
            )

    def _suffer(self, planned: Planned) -> tuple[bool, bool]:
        if planned.kind == "dead sink":
            return self._lose_the_sink(planned)
        if planned.kind in ("reload", "bad settings"):
            return self._reload(good=planned.kind == "reload")
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
        refused = self.receiver.refused
        self.receiver.dead = True
        self._wait(lambda: False, planned.least_seconds)
        seen = self._wait(lambda: self.receiver.refused > refused, SEEN_SECONDS)
        accepted = self.receiver.accepted
        self.receiver.dead = False
        return seen, self._wait(lambda: self.receiver.accepted > accepted, RECOVERED_SECONDS)

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
            f'[[sink]]\nkind = "file"\npath = "{self._folder / "events.jsonl"}"\n'
            f'[[sink]]\nkind = "webhook"\nurl = "{self.receiver.address}"\ntimeout_seconds = 2\n'
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
        "rss_growth_mib": growth(daemon.resident),
        "rss_mib": round(daemon.resident[-1][1], 1) if daemon.resident else None,
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
    """Return by how many MiB the memory grew from the end of the warm-up to the end of the run."""
    if not resident:
        return None
    first, last = resident[0][0], resident[-1][0]
    warm = first + min(WARM_SECONDS, (last - first) * WARM_SHARE)
    later = [mib for at, mib in resident if at >= warm]
    tenth = max(1, len(later) // 10)
    return round(median(later[-tenth:]) - median(later[:tenth]), 1)


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
    ):
        folder = Path(name)
        cv2.imwrite(str(folder / "portrait.png"), portrait[..., ::-1])
        try:
            edgeface(["enroll", "--gallery", f"{folder}/gallery.db", "--name", NAME, f"{folder}/portrait.png"])
        except SystemExit as ended:
            if ended.code:
                raise
        soak = Soak(folder, stage)
        try:
            soak.run(given.minutes * 60, given.seed)
        finally:
            soak.daemon.end()
        result = report(soak, time.monotonic() - start, given.seed)
    for line in soak.daemon.told:
        print(line, file=sys.stderr)
    print(json.dumps(result))
    sys.exit(bool(soak.ledger.wrong or soak.daemon.exits or result["tracebacks"]))


if __name__ == "__main__":
    main()
