"""The watchdog is fed by a loop that goes round, and by nothing else."""

from edgeface.app.heart import Heart
from edgeface.app.supervise import CameraHealth


class FakeManager:
    def __init__(self):
        self.said = []

    def ready(self):
        self.said.append("ready")

    def alive(self):
        self.said.append("alive")

    def status(self, text):
        self.said.append(text)


def test_the_first_beat_is_readiness_and_a_second_feeds_once():
    manager, ticks = FakeManager(), [0.0]
    heart = Heart(manager, lambda: CameraHealth("ok"), lambda: ticks[0])
    for _ in range(25):
        heart.beat()
        ticks[0] += 0.125
    assert manager.said == ["ready", "alive", "camera ok", "alive", "alive", "alive"]


def test_what_else_is_to_be_known_stands_behind_the_camera():
    manager, ticks = FakeManager(), [0.0]
    heart = Heart(manager, lambda: CameraHealth("ok"), lambda: ticks[0])
    for note in ("slowed, too hot: 80 °C", ""):
        heart.note = note
        heart.beat()
        ticks[0] += 1
    assert manager.said == ["ready", "alive", "camera ok; slowed, too hot: 80 °C", "alive", "camera ok"]


def test_a_loop_that_hangs_feeds_nothing_and_one_without_a_camera_does():
    manager, ticks = FakeManager(), [0.0]
    heart = Heart(manager, lambda: CameraHealth("faulty", "stalled", "no picture comes"), lambda: ticks[0])
    assert manager.said == []
    heart.beat()
    ticks[0] = 60.0
    assert manager.said.count("alive") == 1
    heart.beat()
    assert manager.said == ["ready", "alive", "camera faulty: no picture comes", "alive"]
