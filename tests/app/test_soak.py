"""The soak's own parts: a schedule that repeats, a ledger that blames, and a stream that fails as it is told."""

import http.client
import itertools
from types import SimpleNamespace

import pytest

from edgeface.config import load
from edgeface.sink_settings import SINKS
from tests.bench.soak import PROMISED_GROWTH_MB, PROMISED_MB, broken, growth
from tests.bench.soak_faults import OTHERS, REASONS, Ledger, percentile, schedule
from tests.bench.soak_sinks import Sinks
from tests.bench.soak_stream import TIMED, Stage

PICTURES = [f"picture {number}".encode() for number in range(50)]
SCENE = SimpleNamespace(
    pictures=PICTURES, black=b"black", small=[b"small 0", b"small 1"], face_from=0, face_until=len(PICTURES)
)


def test_a_seed_gives_the_same_faults_again_and_every_kind_comes():
    first, again, other = (list(itertools.islice(schedule(seed), 30)) for seed in (1, 1, 2))
    assert first == again != other
    kinds = {*REASONS, *OTHERS}
    assert {planned.kind for planned in first[:10]} == {planned.kind for planned in first[10:20]} == kinds
    assert set(TIMED) == set(REASONS)


def test_a_fault_that_was_missed_is_in_the_ledger():
    ledger = Ledger()
    ledger.count("black", seen=True, recovered=True)
    ledger.count("black", seen=True, recovered=False)
    ledger.count("gone", seen=False, recovered=True)
    assert (ledger.injected, ledger.seen) == ({"black": 2, "gone": 1}, {"black": 2, "gone": 0})
    assert ledger.recovered == {"black": 1, "gone": 1}
    assert ledger.wrong == ["black: seen, not recovered", "gone: not seen, recovered"]


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [([], 0.5, None), ([7.0], 0.99, 7.0), ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0), (list(range(1, 101)), 0.99, 99)],
)
def test_percentiles_are_of_the_nearest_rank(values, share, found):
    assert percentile(values, share) == found


def test_memory_is_compared_after_the_warm_up():
    leaking = [(float(second), 100.0 + second) for second in range(301)]
    settled = [(float(second), 200.0 - min(second, 60)) for second in range(301)]
    breathing = [(float(second), 100.0 + 30 * (second % 20 < 10)) for second in range(301)]
    assert growth(leaking) == pytest.approx(134, abs=3)
    assert growth(settled) == growth(breathing) == 0
    assert growth([]) is None


@pytest.mark.parametrize(
    ("most", "grown", "promised_growth", "words"),
    [
        (149.9, 4.9, PROMISED_GROWTH_MB, []),
        (150.0, 0.0, PROMISED_GROWTH_MB, ["it took 150.0 MB"]),
        (120.0, 5.0, PROMISED_GROWTH_MB, ["it grew by 5.0 MB"]),
        (120.0, 5.0, None, []),
        (0.0, None, PROMISED_GROWTH_MB, ["it took 0.0 MB", "it grew by None MB"]),
    ],
)
def test_a_promise_of_memory_that_is_broken_is_told(most, grown, promised_growth, words):
    memory = {"most": most, "promised": PROMISED_MB, "growth": grown, "promised_growth": promised_growth}
    assert [line.partition(",")[0] for line in broken({"rss_mb": memory})] == words


def test_every_kind_of_sink_is_on(tmp_path):
    with Sinks(tmp_path, "ada") as sinks:
        (tmp_path / "soak.toml").write_text(sinks.settings())
    chosen = load([tmp_path / "soak.toml"], []).sink
    assert {type(each) for each in chosen} == set(SINKS)


def served(stage, parts):
    """Return the bodies of the first parts of the stream."""
    connection = http.client.HTTPConnection("127.0.0.1", int(stage.address.split(":")[2].split("/")[0]), timeout=10)
    connection.request("GET", "/door.mjpg")
    answer, bodies = connection.getresponse(), []
    for _ in range(parts):
        while not (line := answer.readline()).startswith(b"Content-Length"):
            assert line
        answer.readline()
        bodies.append(answer.read(int(line.split()[1])))
    connection.close()
    return bodies


def test_the_stream_shows_its_scene_and_suffers_what_it_is_told():
    with Stage(SCENE) as stage:
        assert set(served(stage, 3)) <= set(PICTURES)
        assert stage.shown_at > 0
        for fault, shown in (("black", {b"black"}), ("size", {b"small 0", b"small 1"})):
            stage.fault = fault
            assert set(served(stage, 3)) <= shown
        stage.fault = "frozen"
        assert len(set(served(stage, 3))) == 1
        stage.fault = "gone"
        with pytest.raises(http.client.RemoteDisconnected):
            served(stage, 1)
