"""Tell the service manager that the daemon is ready, alive or stopping: sd_notify(3), without its library."""

import socket
from contextlib import suppress

LONGEST_STATUS = 200


class Notifier:
    """Sends datagrams to the socket named by `$NOTIFY_SOCKET`; without an address it does nothing.

    A name that begins with @ is abstract. What cannot be delivered is dropped: systemd judges silence by itself.
    """

    def __init__(self, address: str) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if address else None
        if self._socket:
            self._socket.setblocking(False)

    def __repr__(self) -> str:
        return f"Notifier({self._address!r}, {'open' if self._socket else 'closed'})"

    def ready(self) -> None:
        """Say that the start, or a reload, is done."""
        self._send("READY=1")

    def alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Show one line in `systemctl status`."""
        self._send(f"STATUS={' '.join(text.split())[:LONGEST_STATUS]}")

    def stopping(self) -> None:
        """Say that the daemon is about to end."""
        self._send("STOPPING=1")

    def close(self) -> None:
        """Close the socket. A second call does nothing."""
        if self._socket:
            self._socket.close()
        self._socket = None

    def _send(self, state: str) -> None:
        if self._socket:
            with suppress(OSError):
                self._socket.sendto(state.encode(), self._address)
