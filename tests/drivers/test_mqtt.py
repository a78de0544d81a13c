"""Events, presence and discovery over a real broker on this machine, which comes and goes."""

import gc
import json
import shutil
import socket
import subprocess
from contextlib import closing

import pytest

from edgeface.core.types import CameraEvent, Event, ThermalEvent
from edgeface.drivers.sinks.choose import Surroundings, name_of, open_sink
from edgeface.drivers.sinks.home_assistant import Topics, slug
from edgeface.errors import ConfigError, MissingExtra, SinkError
from edgeface.sink_settings import MqttSinkSettings
from tests.drivers.mosquitto import PATIENCE, Mosquitto, Observer, opened, retained, tell, wait_until

ADA, LEFT = Event("arrived", "Ada", 1_700_000_000.0, 0.5, 3), Event("left", "Ada", 1_700_000_060.0, 0.6, 3)
STRANGER = Event("arrived", None, 1_700_000_000.0, 0.1, 4)
DOWN = CameraEvent("faulty", "lost", "it was unplugged", "0", 1_700_000_000.0)
TOPICS = Topics("edgeface")


def test_arrivals_and_departures_are_states_and_events(broker) -> None:
    sink = opened(broker, "Ada", "bob")
    with Observer(broker) as observer:
        tell(sink, ADA)
        assert observer.sees(TOPICS.presence("Ada"), "ON")
        assert observer.sees(TOPICS.presence("bob"), "OFF")
        assert observer.sees("edgeface/people/bob/presence", "OFF")
        assert observer.sees("edgeface/availability", "online")
        tell(sink, LEFT)
        assert observer.sees(TOPICS.presence("Ada"), "OFF")
        assert observer.sees(TOPICS.last_seen("Ada"), "2023-11-14T22:14:20.000Z")
        assert [json.loads(text)["kind"] for text in observer.seen("edgeface/event")] == ["arrived", "left"]
        sink.close()
        assert observer.sees("edgeface/availability", "offline")
    kept = retained(broker)
    assert "edgeface/event" not in kept
    assert kept[TOPICS.presence("Ada")] == "OFF"


def test_a_stranger_is_an_event_that_is_not_kept(broker) -> None:
    sink = opened(broker)
    with Observer(broker) as observer:
        tell(sink, STRANGER)
        described = {"event_type": "arrived", "at": "2023-11-14T22:13:20.000Z", "similarity": 0.1, "track": 4}
        assert observer.sees("edgeface/unknown", json.dumps(described))
        assert observer.seen("edgeface/people") == []
    assert "edgeface/unknown" not in retained(broker)
    sink.close()


def test_the_camera_has_a_state(broker) -> None:
    sink = opened(broker)
    tell(sink, CameraEvent("ok", None, "", "0", 0.0))
    assert retained(broker)["edgeface/camera"] == "ON"
    tell(sink, DOWN)
    assert retained(broker)["edgeface/camera"] == "OFF"
    sink.close()


def test_several_cameras_have_topics_of_their_own_and_somebody_is_here_while_any_sees_them(broker) -> None:
    with Observer(broker) as observer, closing(opened(broker, "ada", cameras=("door", "yard"))) as sink:
        for camera in ("door", "yard"):
            tell(sink, CameraEvent("ok", None, "", camera, 0.0))
            tell(sink, Event("arrived", "ada", 1.0, 0.9, 1, camera=camera))
        assert observer.sees("edgeface/camera", "ON")
        tell(sink, Event("left", "ada", 2.0, 0.9, 1, camera="door"))
        tell(sink, CameraEvent("faulty", "stalled", "", "yard", 3.0))
        assert observer.sees("edgeface/camera", "OFF")
        kept = retained(broker)
        assert (kept["edgeface/cameras/door/state"], kept["edgeface/cameras/yard/state"]) == ("ON", "OFF")
        assert kept["edgeface/people/ada/presence"] == "ON"
        [*_, last] = observer.seen("edgeface/cameras/door/event")
        assert (json.loads(last)["kind"], json.loads(last)["camera"]) == ("left", "door")
        tell(sink, Event("left", "ada", 4.0, 0.9, 1, camera="yard"))
        assert observer.sees("edgeface/people/ada/presence", "OFF")
        found = json.loads(kept["homeassistant/device/edgeface/config"])["components"]
        assert found["camera_door"]["state_topic"] == "edgeface/cameras/door/state"
        assert found["camera_door"]["unique_id"] == "edgeface_camera_door"


def test_what_is_about_nobody_is_an_event_and_changes_no_state(broker) -> None:
    sink = opened(broker, "Ada")
    tell(sink, DOWN)
    before = retained(broker)
    assert "edgeface/people/ada-99a563ab/presence" in before
    with Observer(broker) as observer:
        tell(sink, ThermalEvent("slowed", "temperature", "too hot", 80.0, 0.0))
        assert wait_until(lambda: observer.seen("edgeface/event"))
        [told] = observer.seen("edgeface/event")
    assert json.loads(told)["kind"] == "thermal"
    assert retained(broker) == before
    sink.close()


def test_home_assistant_finds_one_device_with_all_entities(broker) -> None:
    sink = opened(broker, "Ada")
    tell(sink, Event("arrived", "Zoë", 0.0, 0.5, 1))
    message = json.loads(retained(broker)["homeassistant/device/edgeface/config"])
    sink.close()
    components = message["components"]
    kinds = [(it["platform"], it["name"]) for it in components.values()]
    assert sorted(kinds) == [
        ("binary_sensor", "Ada"),
        ("binary_sensor", "Camera"),
        ("binary_sensor", "Zoë"),
        ("event", "Unknown person"),
        ("sensor", "Ada last seen"),
        ("sensor", "Zoë last seen"),
    ]
    assert len({it["unique_id"] for it in components.values()}) == len(components)
    assert message["availability_topic"] == "edgeface/availability"
    assert message["device"]["identifiers"] == ["edgeface"]


def test_who_is_forgotten_disappears_from_home_assistant_and_the_broker(broker) -> None:
    first = opened(broker, "Ada", "bob")
    tell(first, ADA)
    first.close()
    assert TOPICS.presence("Ada") in retained(broker)
    with Observer(broker) as observer:
        second = opened(broker, "bob")
        assert wait_until(lambda: "" in observer.seen(TOPICS.presence("Ada")))
        configs = [json.loads(text)["components"] for text in observer.seen(TOPICS.config)]
        assert {"platform": "binary_sensor"} in [it.get(f"presence_{slug('Ada')}") for it in configs]
    second.close()
    kept = retained(broker)
    assert not [topic for topic in kept if slug("Ada") in topic]
    assert slug("Ada") not in kept[TOPICS.config]
    assert TOPICS.presence("bob") in kept


def test_home_assistant_is_told_anew_when_it_starts(broker) -> None:
    sink = opened(broker, "Ada")
    tell(sink, ADA)
    with Observer(broker) as observer:
        observer.client.publish("homeassistant/status", "online", qos=1)
        assert wait_until(lambda: len(observer.seen(TOPICS.config)) == 2)  # the retained one, and the new one
        assert wait_until(lambda: observer.seen(TOPICS.presence("Ada")) == ["ON", "ON"])
    sink.close()


def test_when_the_process_dies_the_broker_says_that_edgeface_is_offline(broker) -> None:
    sink = opened(broker)
    tell(sink, ADA)
    with Observer(broker) as observer:
        sink._client.socket().shutdown(socket.SHUT_RDWR)
        assert wait_until(lambda: "offline" in observer.seen("edgeface/availability"))
        assert observer.sees("edgeface/availability", "online")  # it has connected again by itself
    sink.close()


def test_a_trial_publishes_an_event_and_touches_no_state(broker) -> None:
    running = opened(broker, "Ada")
    tell(running, ADA)
    before = retained(broker)
    with Observer(broker) as observer:
        trial = opened(broker, "Ada", trial=True)
        tell(trial, Event("arrived", "edgeface test", 0.0, 1.0, 0, test=True))
        trial.close()
        assert wait_until(lambda: len(observer.seen("edgeface/event")) == 1)
    assert retained(broker) == before
    running.close()


def test_a_broker_that_is_not_there_keeps_no_trial_waiting(tmp_path) -> None:
    pytest.importorskip("paho.mqtt.client", reason="paho-mqtt belongs to the mqtt extra")
    broker = Mosquitto(tmp_path)
    sink = opened(broker, trial=True, timeout_seconds=0.1)
    with pytest.raises(SinkError, match="cannot be reached"):
        tell(sink, ADA)
    assert repr(sink) == f"Mqtt(127.0.0.1:{broker.port}, open)"
    sink.close()
    sink.close()
    with pytest.raises(SinkError):
        tell(sink, ADA)


@pytest.fixture
def guarded(broker, tmp_path):
    """A broker that wants a password."""
    broker.stop()
    password = tmp_path / "passwords"
    program = shutil.which("mosquitto_passwd")
    if not program:
        pytest.skip("there is no mosquitto_passwd on this machine")
    subprocess.run([program, "-b", "-c", password, "edgeface", "hush"], check=True, capture_output=True)
    guarded = Mosquitto(tmp_path, "allow_anonymous false", f"password_file {password}")
    guarded.start()
    yield guarded
    guarded.stop()


def test_a_password_comes_from_a_file_and_a_wrong_one_is_told(guarded, tmp_path) -> None:
    for text, told in (("hush\n", None), ("wrong\n", "refuses the connection: Not authorized")):
        secret = tmp_path / "password"
        secret.write_text(text)
        secret.chmod(0o600)
        patience = 0.5 if told else PATIENCE
        sink = opened(
            guarded, trial=bool(told), username="edgeface", password_file=str(secret), timeout_seconds=patience
        )
        if told:
            with pytest.raises(SinkError, match=told):
                tell(sink, ADA)
        else:
            tell(sink, ADA)
        sink.close()


# After a failed handshake paho leaves its socket to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_a_broker_is_known_by_its_certificate(broker, certificate, tmp_path) -> None:
    broker.stop()
    secure = Mosquitto(tmp_path, "allow_anonymous true", f"certfile {certificate}.crt", f"keyfile {certificate}")
    secure.start()
    options = {"host": "localhost", "port": secure.port, "tls": True}
    try:
        sink = open_sink(MqttSinkSettings(ca_file=f"{certificate}.crt", **options), Surroundings())
        tell(sink, ADA)
        sink.close()
        stranger = open_sink(MqttSinkSettings(timeout_seconds=0.5, **options), Surroundings(trial=True))
        with pytest.raises(SinkError):
            tell(stranger, ADA)
        thread = stranger._client._thread
        stranger.close()
        thread.join(PATIENCE)
        del stranger, thread
        gc.collect()
    finally:
        secure.stop()


def test_a_password_needs_a_name(tmp_path) -> None:
    (tmp_path / "password").write_text("hush")
    (tmp_path / "password").chmod(0o600)
    settings = MqttSinkSettings(host="localhost", password_file=str(tmp_path / "password"))
    with pytest.raises(ConfigError, match="no username"):
        open_sink(settings, Surroundings())


def test_without_paho_one_line_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "paho.mqtt.client", None)
    with pytest.raises(MissingExtra, match="paho-mqtt") as missing:
        open_sink(MqttSinkSettings(host="localhost"), Surroundings())
    assert missing.value.hint == "pip install 'edgeface[mqtt]'"


@pytest.mark.parametrize("host", ["broker..lan", "", "a\0b", "x" * 64])
def test_a_host_that_cannot_be_looked_up_is_refused_at_once(host) -> None:
    with pytest.raises(ConfigError, match="is no name of a host") as refused:
        open_sink(MqttSinkSettings(host=host), Surroundings())
    assert "sink.host" in refused.value.hint


def test_messages_name_a_sink_by_its_broker() -> None:
    assert name_of(MqttSinkSettings(host="ha.local", username="me")) == "mqtt ha.local"
