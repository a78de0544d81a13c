"""Every kind of sink for the soak, and the other ends of those that have one on this machine."""

import http.server
import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

PINS = {"GPIOZERO_PIN_FACTORY": "mock"}
"""What the daemon's environment needs for a relay where no line of a relay is."""


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


class Sinks:
    """A sink of each kind; without mosquitto on this machine nobody answers that of MQTT."""

    def __init__(self, folder: Path, name: str) -> None:
        self.receiver = Receiver()
        self._folder, self._name = folder, name
        self._mqtt_port, self._metrics_port = _free_port(), _free_port()
        self._broker = _start_broker(folder, self._mqtt_port)

    @property
    def has_broker(self) -> bool:
        """Tell whether MQTT has another end."""
        return self._broker is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._broker:
            self._broker.kill()
            self._broker.wait()

    def settings(self) -> str:
        """Return the tables of the configuration."""
        return "".join(
            f"[[sink]]\n{table}\n"
            for table in (
                f'kind = "file"\npath = "{self._folder / "events.jsonl"}"',
                f'kind = "socket"\npath = "{self._folder / "events.sock"}"',
                f'kind = "command"\ncommand = ["{shutil.which("cat")}"]',
                f'kind = "webhook"\nurl = "{self.receiver.address}"\ntimeout_seconds = 2',
                f'kind = "mqtt"\nhost = "127.0.0.1"\nport = {self._mqtt_port}',
                f'kind = "metrics"\nport = {self._metrics_port}',
                f'kind = "relay"\npin = 17\nfactor_pin = 27\npeople = ["{self._name}"]',
            )
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _start_broker(folder: Path, port: int) -> "subprocess.Popen[bytes] | None":
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if not program:
        return None
    settings = folder / "mosquitto.conf"
    user = "user root\n" if os.geteuid() == 0 else ""
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nlog_type none\n{user}")
    return subprocess.Popen([program, "-c", settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
