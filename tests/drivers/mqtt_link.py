"""What lies between a sink and its broker: it can go dead without a word, or hang up at what the broker dislikes."""

import select
import socket
import threading


class Link:
    """Passes on what clients of `port` and the broker say to each other."""

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.dead_until = 0
        """Connections with a smaller number are open, and nothing passes through them."""
        self.disliked: bytes | None = None
        """Whoever sends this is disconnected."""
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def vanish(self) -> None:
        """Let nothing through any more, but on connections that are made from now on; nobody is told."""
        self.dead_until = self.connections

    def close(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            number, self.connections = self.connections, self.connections + 1
            threading.Thread(target=self._pass_on, args=(client, number), daemon=True).start()

    def _pass_on(self, client: socket.socket, number: int) -> None:
        with client, socket.create_connection(("127.0.0.1", self._broker_port)) as broker:
            while True:
                ready, _, _ = select.select([client, broker], [], [], 0.05)
                for one in ready:
                    try:
                        said = one.recv(1 << 16)
                    except OSError:
                        return
                    if number < self.dead_until and said:
                        continue
                    if not said or (self.disliked and self.disliked in said):
                        return
                    (broker if one is client else client).sendall(said)
