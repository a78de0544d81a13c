"""The faults of the soak: which there are, when they come, and whether each was seen and mended."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

REASONS: dict[str, set[str]] = {
    "gone": {"lost", "unavailable", "stalled"},
    "black": {"black"},
    "frozen": {"frozen"},
    "stalled": {"stalled", "lost"},
    "slow": {"slow"},
    "size": set(),
}
"""What the camera's event may say of a fault of the stream. Of another size there is nothing to say: OpenCV's FFmpeg
scales the pictures of a stream to the size of its first, and the watch goes on."""

OTHERS = ("reload", "bad settings", "dead sink", "enrolment")
"""An enrolment from the daemon's camera, through its control socket, is no fault; what it takes of memory counts."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault of a schedule."""

    kind: str
    least_seconds: float
    """It lasts as long as this, and until it was seen."""
    quiet_seconds: float
    """So long all is well before it."""


def schedule(seed: int) -> Iterator[Planned]:
    """Yield faults for ever: every kind once in a random order, then again in another."""
    random = Random(seed)
    while True:
        kinds = [*REASONS, *OTHERS]
        random.shuffle(kinds)
        for kind in kinds:
            yield Planned(kind, round(random.uniform(2, 5), 2), round(random.uniform(2, 5), 2))


@dataclass
class Ledger:
    """What became of each fault."""

    injected: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    recovered: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    """What was not seen or not mended, in words."""

    def count(self, kind: str, *, seen: bool, recovered: bool) -> None:
        """Enter one fault."""
        self.injected[kind] = self.injected.get(kind, 0) + 1
        self.seen[kind] = self.seen.get(kind, 0) + seen
        self.recovered[kind] = self.recovered.get(kind, 0) + recovered
        if not (seen and recovered):
            self.wrong.append(f"{kind}: {'seen' if seen else 'not seen'}, {'' if recovered else 'not '}recovered")


def percentile(values: list[float], share: float) -> float | None:
    """Return the nearest-rank percentile; None of nothing.

    >>> percentile([3.0, 1.0, 2.0], 0.5), percentile([3.0, 1.0, 2.0], 0.99), percentile([], 0.5)
    (2.0, 3.0, None)
    """
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 100) * len(ordered) // 100) - 1)]
