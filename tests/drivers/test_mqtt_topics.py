"""Topics and discovery messages: what is refused, and what belongs to others."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeface.core.types import Event
from edgeface.drivers.sinks.home_assistant import Topics, check_topic, discovery, slug, stale
from edgeface.drivers.sinks.mqtt_messages import Messages
from edgeface.errors import ConfigError

TOPICS = Topics("edgeface")


@pytest.mark.parametrize("topic", ["", "#", "a/+/b", "/a", "a/", "$SYS", "a\n"])
def test_what_is_no_topic_is_refused(topic) -> None:
    with pytest.raises(ConfigError, match="is no MQTT topic"):
        check_topic(topic)


@given(st.text(min_size=1, max_size=100), st.text(min_size=1, max_size=100))
def test_every_name_is_one_level_of_a_topic_and_no_two_share_it(one, other) -> None:
    for name in (one, other):
        assert slug(name).isascii() and 0 < len(slug(name)) <= 50
        assert not set(slug(name)) & set("/+# $")
        check_topic(TOPICS.presence(name))
    assert (slug(one) == slug(other)) == (one == other)


def test_a_name_that_looks_like_the_slug_of_another_has_its_own() -> None:
    assert slug(slug("Zoë Q.")) != slug("Zoë Q.")


@pytest.mark.parametrize("old", [None, 1, [], {}, {"components": 1}, {"components": {"x": 1}}])
def test_a_strange_discovery_message_is_left_alone(old) -> None:
    assert stale(TOPICS, old, discovery(TOPICS, "d", ["Ada"], "1")) == ({}, [])


def test_topics_of_others_are_never_cleared() -> None:
    old = {"components": {"x": {"platform": "sensor", "state_topic": "neighbour/people/x"}}}
    assert stale(TOPICS, old, discovery(TOPICS, "d", [], "1")) == ({"x": {"platform": "sensor"}}, [])


@pytest.mark.parametrize(
    ("kind", "age_seconds", "greeted"), [("arrived", 5, True), ("arrived", 7200, False), ("left", 5, False)]
)
def test_the_automation_of_the_manual_greets_no_stranger_of_hours_ago(kind, age_seconds, greeted) -> None:
    """Its template is an expression of Python too."""
    manual = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
    [condition] = re.findall(r"^conditions:[^{]*{{(.*?)}}", manual, re.DOTALL | re.MULTILINE)
    now = datetime(2026, 11, 24, 18, tzinfo=UTC)
    messages = Messages(TOPICS, [], [], device="d", discover=True, announce=True)
    told = {
        topic: text for topic, text, _ in messages.of_event(Event(kind, None, now.timestamp() - age_seconds, 0.1, 1))
    }
    state = SimpleNamespace(attributes=SimpleNamespace(**json.loads(told[TOPICS.unknown])))
    names = {
        "trigger": SimpleNamespace(to_state=state),
        "now": lambda: now,
        "as_datetime": datetime.fromisoformat,
        "timedelta": timedelta,
    }
    assert eval(" ".join(condition.split()), names) is greeted
