"""Events are posted to a real server on this machine, which answers as it is told."""

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from edgeface.core.types import Event
from edgeface.drivers.sinks.choose import Surroundings, name_of, open_sink
from edgeface.drivers.sinks.outbox import Outbox
from edgeface.drivers.sinks.secrets import read_secret
from edgeface.drivers.sinks.tls import trust
from edgeface.drivers.sinks.webhook import Webhook, decode_secret, sign, split_url
from edgeface.errors import ConfigError, SinkError
from edgeface.sink_settings import WebhookSinkSettings

EVENT = Event("arrived", "Zoë", 1_700_000_000.0, 0.5, 3)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""The example of the reference implementations of Standard Webhooks."""


class Receiver:
    """A web server on this machine that answers with the given statuses, then with 204; None: it hangs up."""

    def __init__(self, *statuses: int | None, tls: ssl.SSLContext | None = None) -> None:
        self.requests, self.statuses = [], list(statuses)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.path, dict(self.headers), body))
                status = receiver.statuses.pop(0) if receiver.statuses else 204
                if status is None:
                    return
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # a client that refuses the certificate
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    @property
    def port(self) -> int:
        return self.server.server_address[1]

    def __enter__(self) -> "Receiver":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def webhook(receiver: Receiver, **options) -> Webhook:
    options = {"jitter": lambda: 0.0, "timeout_seconds": 10.0} | options
    return Webhook(f"http://127.0.0.1:{receiver.port}/hook?x=1", **options)


def test_an_event_is_posted_as_json() -> None:
    with Receiver() as receiver:
        webhook(receiver).emit(EVENT)
    [(path, headers, body)] = receiver.requests
    assert (path, headers["Content-Type"]) == ("/hook?x=1", "application/json")
    assert json.loads(body)["name"] == "Zoë"
    assert "webhook-signature" not in headers


def test_the_signature_is_that_of_the_reference_implementations() -> None:
    signature = sign(decode_secret(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_attempt_is_signed_anew_and_bears_one_id() -> None:
    clock = iter([100.9, 200.0])
    with Receiver(503) as receiver:
        webhook(receiver, secret=decode_secret(SECRET), clock=lambda: next(clock)).emit(EVENT)
    (_, first, body), (_, second, again) = receiver.requests
    assert (first["webhook-timestamp"], second["webhook-timestamp"]) == ("100", "200")
    assert first["webhook-id"] == second["webhook-id"]
    assert body == again
    for headers in (first, second):
        expected = sign(decode_secret(SECRET), headers["webhook-id"], headers["webhook-timestamp"], body)
        assert headers["webhook-signature"] == expected


@pytest.mark.parametrize("trouble", [500, 503, None])
def test_trouble_that_may_pass_is_tried_again(trouble) -> None:
    with Receiver(trouble, trouble) as receiver:
        webhook(receiver).emit(EVENT)
    assert len(receiver.requests) == 3


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 410, 429])
def test_a_final_answer_is_not_argued_with(status) -> None:
    with Receiver(status) as receiver, pytest.raises(SinkError, match=rf"127\.0\.0\.1 answers with status {status}"):
        webhook(receiver).emit(EVENT)
    assert [path for path, _, _ in receiver.requests] == ["/hook?x=1"]


def test_after_so_many_attempts_it_gives_up_on_this_event_alone() -> None:
    with Receiver(500, 500, 500) as receiver:
        sink = webhook(receiver, attempts=3)
        with pytest.raises(SinkError, match="answers with status 500"):
            sink.emit(EVENT)
        sink.emit(EVENT)
    assert len(receiver.requests) == 4


def test_the_pauses_double_up_to_a_bound_and_are_random_parts_of_that(monkeypatch) -> None:
    with Receiver(*[500] * 9) as receiver:
        sink = webhook(receiver, attempts=9, jitter=lambda: 0.5)
        pauses = []
        monkeypatch.setattr(sink._closed, "wait", pauses.append)
        with pytest.raises(SinkError):
            sink.emit(EVENT)
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_nobody_there_is_one_clear_error() -> None:
    with Receiver() as receiver:
        pass
    with pytest.raises(SinkError, match=r"127\.0\.0\.1 does not answer: .*refused"):
        webhook(receiver, attempts=2).emit(EVENT)


def test_closing_ends_the_wait_for_a_retry(caplog) -> None:
    with Receiver(*[500] * 99) as receiver:
        outbox = Outbox(webhook(receiver, attempts=20, jitter=lambda: 1e6), name="webhook")
        outbox.emit(EVENT)
        outbox.close(0.2)
        [thread] = outbox._threads
        assert not thread.is_alive()
    assert outbox.tally.lost == 1


@pytest.fixture
def secure(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{certificate}.crt", certificate)
    with Receiver(tls=context) as receiver:
        yield receiver


def test_a_certificate_nobody_vouches_for_is_refused_at_once(secure) -> None:
    with pytest.raises(SinkError, match="has a certificate that is not trusted: self"):
        Webhook(f"https://localhost:{secure.port}/", attempts=5, jitter=lambda: 1e6).emit(EVENT)
    assert secure.requests == []


def test_a_certificate_of_ones_own_authority_is_trusted_for_its_host_only(secure, certificate) -> None:
    settings = WebhookSinkSettings(url=f"https://localhost:{secure.port}/", ca_file=f"{certificate}.crt")
    open_sink(settings, Surroundings()).emit(EVENT)
    assert len(secure.requests) == 1
    with pytest.raises(SinkError, match=r"not trusted: .*mismatch"):
        Webhook(f"https://127.0.0.1:{secure.port}/", tls=trust(settings.ca_file)).emit(EVENT)


@pytest.mark.parametrize(
    "url",
    ["", "example.org", "ftp://example.org", "https://", "https://a b", "http://x:99999", "http://x/ü", "http://["],
)
def test_what_is_no_address_is_refused(url) -> None:
    with pytest.raises(ConfigError, match="is no http:// or https:// address"):
        split_url(url)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="holds a password") as refusal:
        split_url("https://me:hush@example.org/")
    assert "hush" not in str(refusal.value)
    assert name_of(WebhookSinkSettings(url="https://me:hush@example.org/token")) == "webhook example.org"


@pytest.mark.parametrize("text", ["no base64!", "c2hvcnQ=", "A" * 88])
def test_a_weak_or_broken_secret_is_refused(text) -> None:
    with pytest.raises(ConfigError, match="secret"):
        decode_secret(text)


def test_a_missing_authority_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="cannot be used: No such file"):
        trust(str(tmp_path / "none.pem"))


def private(path, content: bytes):
    path.write_bytes(content)
    path.chmod(0o600)
    return str(path)


def test_a_secret_is_the_first_line_of_a_file_or_a_credential(tmp_path) -> None:
    place = private(tmp_path / "key", b"hush\nsecond line\n")
    assert read_secret(place, {}) == "hush"
    assert read_secret("credential:key", {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "hush"


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("none", "cannot be read: No such file"),
        ("open", "can be read by every user"),
        ("empty", "is empty"),
        ("long", "is empty or too long"),
        ("binary", "is not text"),
        ("credential:key", "is known to a systemd service only"),
    ],
)
def test_an_unusable_secret_says_why(tmp_path, place, message) -> None:
    for name, content in (("open", b"x"), ("empty", b"\n"), ("long", b"x" * 5000), ("binary", b"\xff\xfe")):
        private(tmp_path / name, content)
    (tmp_path / "open").chmod(0o644)
    with pytest.raises(ConfigError, match=message):
        read_secret(place if ":" in place else str(tmp_path / place), {})


def test_a_credential_is_no_path() -> None:
    with pytest.raises(ConfigError, match="is no name of a credential"):
        read_secret("credential:../../etc/passwd", {"CREDENTIALS_DIRECTORY": "/run/credentials"})
