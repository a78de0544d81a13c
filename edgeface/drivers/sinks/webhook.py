"""Post events to a web address, signed, and try again when that fails for the moment.

Signatures follow Standard Webhooks 1.0.0 (https://www.standardwebhooks.com): `webhook-signature` is "v1," and the
base64 of HMAC-SHA256 over `webhook-id`, a dot, `webhook-timestamp`, a dot and the body.
"""

import base64
import binascii
import hashlib
import hmac
import http.client
import random
import ssl
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from threading import Event as Flag
from urllib.parse import SplitResult, urlsplit

from edgeface.core.types import AnyEvent
from edgeface.drivers.sinks.json_lines import event_json
from edgeface.drivers.sinks.tls import trust
from edgeface.errors import ConfigError, SinkError

FEWEST_SECRET_BYTES, MOST_SECRET_BYTES = 24, 64
FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 1.0, 60.0


class Webhook:
    """A `Sink` that posts each event as JSON and expects a status of 2xx.

    Without an answer, or with 5xx, it tries again, `attempts` times in all; before the n-th retry it waits for
    a random part of 1, 2, 4 ... 60 s ("full jitter"). Other statuses are final, redirections too. Each retry has
    the same `webhook-id`, by which the receiver knows an event that arrives twice. No proxy is used.
    """

    def __init__(
        self,
        url: str,
        *,
        secret: bytes | None = None,
        timeout_seconds: float = 10.0,
        attempts: int = 10,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._url = split_url(url)
        self._secret = secret
        self._timeout_seconds = timeout_seconds
        self._attempts = attempts
        self._tls = tls or (trust() if self._url.scheme == "https" else None)
        self._clock, self._jitter = clock, jitter
        self._closed = Flag()

    def __repr__(self) -> str:
        return f"Webhook({self._url.hostname}, {'closed' if self._closed.is_set() else 'open'})"

    def emit(self, event: AnyEvent) -> None:
        """Deliver one event. Raise SinkError when the last attempt failed or another would be of no use."""
        body, delivery = event_json(event).encode(), f"evt_{uuid.uuid4().hex}"
        problem: str | None = "was not tried"
        for retry in range(self._attempts):
            delay = min(FIRST_DELAY_SECONDS * 2 ** (retry - 1), LONGEST_DELAY_SECONDS) * self._jitter()
            if retry and self._closed.wait(delay):
                break
            problem, final = self._post(delivery, body)
            if problem is None:
                return
            if final:
                break
        raise SinkError(f"{self._url.hostname} {problem}")

    def close(self) -> None:
        """Wait for no retry any more."""
        self._closed.set()

    def _post(self, delivery: str, body: bytes) -> tuple[str | None, bool]:
        """Return what went wrong, if anything, and whether trying again is of no use."""
        path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        try:
            with closing(self._connection()) as connection:
                connection.request("POST", path, body, self._headers(delivery, body))
                status = connection.getresponse().status
        except ssl.SSLCertVerificationError as error:
            return f"has a certificate that is not trusted: {error.verify_message}", True
        except (OSError, http.client.HTTPException) as error:
            return f"does not answer: {error or type(error).__name__}", False
        if 200 <= status < 300:
            return None, True
        return f"answers with status {status}", status < 500

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=self._timeout_seconds)
        return http.client.HTTPSConnection(host, port, timeout=self._timeout_seconds, context=self._tls)

    def _headers(self, delivery: str, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._clock()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "edgeface",
            "webhook-id": delivery,
            "webhook-timestamp": timestamp,
        }
        if self._secret is not None:
            headers["webhook-signature"] = sign(self._secret, delivery, timestamp, body)
        return headers


def sign(secret: bytes, delivery: str, timestamp: str, body: bytes) -> str:
    """Return the value of `webhook-signature`.

    >>> sign(b"k" * 24, "evt_1", "1700000000", b"{}")
    'v1,njmeZaQmiFyUsjW3C1vf6FXD1aJMKJjfnQP6BeaN0gw='
    """
    signed = b".".join([delivery.encode(), timestamp.encode(), body])
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def decode_secret(text: str) -> bytes:
    """Return the key that a text stands for: base64 of 24 to 64 bytes, after "whsec_" or not. Raise ConfigError."""
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigError("a webhook's secret is not base64", hint="`openssl rand -base64 32` makes one") from error
    if not FEWEST_SECRET_BYTES <= len(key) <= MOST_SECRET_BYTES:
        raise ConfigError(
            f"a webhook's secret has {len(key)} bytes, {FEWEST_SECRET_BYTES} to {MOST_SECRET_BYTES} are wanted",
            hint="`openssl rand -base64 32` makes one",
        )
    return key


def split_url(url: str) -> SplitResult:
    """Return the parts of a webhook's address. Raise ConfigError when it is none."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable, parts = False, urlsplit("")
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigError("a webhook's url is no http:// or https:// address", hint="encode what is not ASCII")
    if "@" in parts.netloc:
        raise ConfigError(f"the url of the webhook at {parts.hostname} holds a password", hint="use secret_file")
    return parts
