"""Turn looks at one face into a verdict: known, unknown, or not sure yet."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from edgeface.core.types import Face, Identity, Match
from edgeface.errors import ConfigError

LEAST_COSINE = -1.0


@dataclass(frozen=True, slots=True)
class Policy:
    """When a look names somebody, and when enough looks agree."""

    threshold: float
    """The least cosine to the nearest person. It belongs to the model: take it from its card."""
    margin: float = 0.05
    """The least lead over the next nearest person; below it the look names nobody."""
    votes_needed: int = 3
    """This many looks must name the same person ..."""
    votes_of: int = 5
    """... among this many of the latest looks at a track."""

    def __post_init__(self) -> None:
        if not -1 <= self.threshold <= 1:
            raise ConfigError(f"threshold is {self.threshold}, a cosine between -1 and 1 is needed")
        if not 0 <= self.margin <= 2:
            raise ConfigError(f"margin is {self.margin}, a number between 0 and 2 is needed")
        if not 1 <= self.votes_needed <= self.votes_of:
            raise ConfigError(
                f"votes_needed is {self.votes_needed} and votes_of {self.votes_of}, "
                "at least 1 vote and at most all of them can be needed"
            )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the looks at one track say so far."""

    state: Literal["undecided", "known", "unknown"]
    identity: Identity | None
    """Somebody exactly when the state is "known"."""
    similarity: float
    """The best cosine among the latest looks: of those that name the identity when there is one, of all of
    them otherwise; -1 before the first look."""


def judge(face: Face, nearest: Sequence[tuple[Identity, float]], policy: Policy) -> Match:
    """Say who one look shows, given different people and their cosines, nearest first.

    It is somebody when the nearest reaches the threshold and leads the next one by the margin.
    """
    if not nearest:
        return Match(face, None, LEAST_COSINE, LEAST_COSINE)
    identity, similarity = nearest[0]
    runner_up = nearest[1][1] if len(nearest) > 1 else LEAST_COSINE
    sure = similarity >= policy.threshold and similarity - runner_up >= policy.margin
    return Match(face, identity if sure else None, similarity, runner_up)


def settle(before: Match, after: Match, is_moved: Callable[[Identity], bool]) -> Match:
    """Return what a look says while a gallery goes over from one model to another.

    `before` is what the old model says, who knows everybody, and `after` what the new one says, who knows those that
    are moved. Each person is decided by one model alone: who is moved by the new one. When both name somebody of
    their own, it is nobody.
    """
    old = before if before.identity and not is_moved(before.identity) else None
    new = after if after.identity else None
    if old and new:
        return replace(before, identity=None, runner_up=before.similarity)
    return new or old or replace(before, identity=None)


def one_place_each(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Leave each name to the most similar of the faces of one frame that bear it; the others become undecided.

    Nobody is in two places at once. At a tie the first keeps the name.
    """
    bearer: dict[Identity | None, int] = {}
    for place in sorted(range(len(verdicts)), key=lambda place: -verdicts[place].similarity):
        bearer.setdefault(verdicts[place].identity, place)
    return [
        verdict
        if verdict.identity is None or bearer[verdict.identity] == place
        else Verdict("undecided", None, verdict.similarity)
        for place, verdict in enumerate(verdicts)
    ]


class Ballot:
    """The latest looks at one track, as votes.

    * Somebody named by at least `votes_needed` of the last `votes_of` looks is known, so a track that has
      jumped to another person changes its identity once that many looks name the other one. Of two people
      with enough votes, more votes win; at a tie the present identity stays.
    * A known track stays known through looks that name nobody or others too rarely, until `votes_of` looks
      in a row do not name it; then it is unknown. A turned head does not make a friend a stranger.
    * A track that was never known is undecided until `votes_of` looks have been cast, then unknown.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._looks: deque[tuple[Identity | None, float]] = deque(maxlen=policy.votes_of)
        self._known: Identity | None = None

    def add(self, match: Match) -> None:
        """Cast the vote of one more look; the oldest beyond `votes_of` is forgotten."""
        self._looks.append((match.identity, match.similarity))
        votes = Counter(identity for identity, _ in self._looks if identity is not None)
        enough = {identity: count for identity, count in votes.items() if count >= self._policy.votes_needed}
        if enough:
            self._known = max(enough, key=lambda identity: (enough[identity], identity == self._known))
        elif self._known not in votes:
            self._known = None if len(self._looks) == self._policy.votes_of else self._known

    def verdict(self) -> Verdict:
        """Return what the latest looks say."""
        supporting = [similarity for identity, similarity in self._looks if self._known in (None, identity)]
        similarity = max(supporting, default=LEAST_COSINE)
        if self._known is not None:
            return Verdict("known", self._known, similarity)
        state = "unknown" if len(self._looks) == self._policy.votes_of else "undecided"
        return Verdict(state, None, similarity)
