"""Say who is in a frame. Read this file first: it is the whole of recognition in one page.

```
frame -> detect -> track -> align -> good enough to judge? -> closer -> embed -> nearest people -> judge -> vote
```

A face is embedded on every frame until its track has a verdict. After that one look a second or so confirms it, and in
between a coarse search follows it; a look that disagrees makes the pipeline look at every frame again until the vote is
clear. Where a film cuts, every vote begins anew; and of the faces of one frame only the nearest to a person bears that
person's name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from edgeface.app.closeup import CloseUp
from edgeface.app.search import Coarse, Searcher
from edgeface.app.sides import Look, Side, Successor, match
from edgeface.app.stages import Stage, untimed
from edgeface.core.align import align
from edgeface.core.cuts import Cuts
from edgeface.core.decision import Ballot, Policy, Verdict, one_place_each
from edgeface.core.protocols import Detector, Embedder, Index
from edgeface.core.quality import LIVE_LIMITS, Limits, assess, reasons
from edgeface.core.tracking import Track, Tracker
from edgeface.core.types import Embedding, Face, Frame, Image


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A face in a frame, the track it belongs to and what is known of that track so far."""

    track: int
    face: Face
    verdict: Verdict
    looks: tuple[Embedding, ...] = ()
    """The latest looks that named nobody, at a face that is unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class Recognition:
    """A frame and the faces in it."""

    frame: Frame
    faces: list[Labelled]


@dataclass(slots=True)
class _Case:
    """What the pipeline remembers of one track."""

    ballot: Ballot
    looked_seconds: float = field(default=float("-inf"))
    in_doubt: bool = True
    nameless: list[Embedding] = field(default_factory=list)
    """The latest looks that named nobody, at most as many as vote."""


class Pipeline:
    """Recognises the people in the frames of one camera, which must be given in order of time.

    `coarse` follows large faces that need no look, and `close_up` finds the landmarks of those that are looked at anew.
    `stage` surrounds the work of each stage, to time it. `successor` is the model that the gallery is being upgraded
    to, if it is.
    """

    def __init__(
        self,
        *,
        detector: Detector,
        embedder: Embedder,
        index: Index,
        policy: Policy,
        tracker: Tracker,
        limits: Limits = LIVE_LIMITS,
        reverify_seconds: float = 1.0,
        coarse: Coarse | None = None,
        close_up: CloseUp | None = None,
        stage: Stage = untimed,
        successor: Successor | None = None,
    ) -> None:
        self._searcher, self._close_up = Searcher(detector, coarse), close_up
        self._side, self._successor = Side(embedder, index, policy), successor
        self._policy, self._tracker, self._limits = policy, tracker, limits
        self._reverify_seconds = reverify_seconds
        self._stage = stage
        self._cases: dict[int, _Case] = {}
        self._cuts = Cuts()

    def recognize(self, frame: Frame) -> Recognition:
        """Find, follow and judge the faces of one frame."""
        with self._stage("cut"):
            if self._cuts.update(frame):
                self._cases.clear()
        with self._stage("detect"):
            found = self._searcher.search(frame, closely=self._expects_a_look(frame.seconds))
        with self._stage("track"):
            update = self._tracker.update(found, frame.seconds)
        for number in update.ended:
            self._cases.pop(number, None)
        tracks = [track for track in update.active if self._wants_a_look(track, frame.seconds)]
        if tracks:
            self._look(frame, tracks)
        with self._stage("decide"):
            verdicts = one_place_each([self._cases[track.number].ballot.verdict() for track in update.active])
        faces = [self._labelled(track, said) for track, said in zip(update.active, verdicts, strict=True)]
        return Recognition(frame, faces)

    def _labelled(self, track: Track, verdict: Verdict) -> Labelled:
        looks = self._cases[track.number].nameless if verdict.state == "unknown" else ()
        return Labelled(track.number, track.face, verdict, tuple(looks))

    def _expects_a_look(self, seconds: float) -> bool:
        """Tell whether a track is to be looked at if it is seen, or no track is known."""
        return not self._cases or any(self._is_due(case, seconds) for case in self._cases.values())

    def _wants_a_look(self, track: Track, seconds: float) -> bool:
        case = self._cases.setdefault(track.number, _Case(Ballot(self._policy)))
        return self._is_due(case, seconds)

    def _is_due(self, case: _Case, seconds: float) -> bool:
        return case.in_doubt or seconds - case.looked_seconds >= self._reverify_seconds

    def _look(self, frame: Frame, tracks: Sequence[Track]) -> None:
        """Let the faces that are good enough to judge vote on who their tracks are."""
        with self._stage("align"):
            chips = {track.number: align(frame.image, track.face.landmarks) for track in tracks}
        with self._stage("quality"):
            good = [track for track in tracks if self._is_good(frame.image, track.face, chips[track.number])]
        if not good:
            return
        faces = [track.face for track in good]
        if self._close_up is not None:
            with self._stage("align"):
                chips |= {each.number: self._aligned_closely(frame.image, each.face, self._close_up) for each in good}
        looks = match(faces, [chips[track.number] for track in good], self._side, self._successor, stage=self._stage)
        for track, look in zip(good, looks, strict=True):
            self._vote(self._cases[track.number], look, frame.seconds)

    def _aligned_closely(self, image: Image, face: Face, close_up: CloseUp) -> Image:
        return align(image, close_up.landmarks(image, face))

    def _is_good(self, image: Image, face: Face, chip: Image) -> bool:
        return not reasons(assess(image, face, chip), self._limits)

    def _vote(self, case: _Case, look: Look, seconds: float) -> None:
        case.ballot.add(look.match)
        named = look.match.identity
        case.nameless = [] if named else [*case.nameless, look.embedding][-self._policy.votes_of :]
        verdict = case.ballot.verdict()
        case.in_doubt = verdict.state == "undecided" or named != verdict.identity
        case.looked_seconds = seconds
