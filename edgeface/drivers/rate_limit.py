"""Let each user do something so often, and no more."""

from collections.abc import Callable
from dataclasses import dataclass

MOST_KEYS = 1024


@dataclass(slots=True)
class _Bucket:
    tokens: float
    seconds: float


class RateLimit:
    """A token bucket for each key: `burst` at once, and then `per_second`. For one thread."""

    def __init__(self, *, burst: int, per_second: float, clock: Callable[[], float]) -> None:
        self._burst, self._per_second, self._clock = burst, per_second, clock
        self._buckets: dict[int, _Bucket] = {}

    def allows(self, key: int) -> bool:
        """Tell whether this may happen now, and count it if so."""
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            self._make_room(now)
            bucket = self._buckets[key] = _Bucket(self._burst, now)
        bucket.tokens, bucket.seconds = self._filled(bucket, now), now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _filled(self, bucket: _Bucket, now: float) -> float:
        return min(self._burst, bucket.tokens + (now - bucket.seconds) * self._per_second)

    def _make_room(self, now: float) -> None:
        """Forget the keys whose buckets are full again, for that says nothing; of too many others, the older half."""
        if len(self._buckets) >= MOST_KEYS:
            kept = {key: each for key, each in self._buckets.items() if self._filled(each, now) < self._burst}
            self._buckets = dict(list(kept.items())[-MOST_KEYS // 2 :])
