"""Measure a household with its own looks and with strangers, and recommend a threshold and a margin."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgeface.core.calibration import LEAST_STRANGERS, fit_tails
from edgeface.core.cohort import Cohort, least_promised
from edgeface.core.decision import Policy
from edgeface.core.household import Advice, LeftOut, advise, closest_pairs, leave_one_out, outliers
from edgeface.core.types import Vector
from edgeface.errors import ConfigError, EnrollmentError, ModelError


@dataclass(frozen=True, slots=True, eq=False)
class KnownLook:
    """A look of the gallery that is in use."""

    number: int
    name: str
    vector: Vector
    """(size,), unit length."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A look that had better be set aside."""

    number: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Confusable:
    """Two people who are alike."""

    first: str
    second: str
    similarity: float
    """The best cosine between looks at them."""


@dataclass(frozen=True, slots=True)
class Wanting:
    """Somebody who needs another look, or a better one."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What was measured in a household."""

    people: int
    looks: int
    strangers: int
    """Of the cohort, and your own."""
    rate: float
    """False accepts a visit of a stranger that were asked for."""
    least_promised: float
    """Under that rate the strangers show nothing: what is recommended for less is an extrapolation."""
    now: Policy
    advice: Advice
    genuine: npt.NDArray[np.float64]
    """Of each look that can be judged, the cosine with the nearest other look at the same person."""
    found_now: int
    found: int
    """How many of these looks get the right name, at the policy in use and at the recommended one."""
    nearest_pair: Confusable | None
    """The two people who are most alike."""
    confusable: list[Confusable]
    """Those who reach the recommended threshold."""
    wanting: list[Wanting]
    suspects: list[Suspect]
    stranger_scores: npt.NDArray[np.float64]
    """Of each stranger, the corrected cosine with the nearest person."""
    own_strangers_named: int
    """Of your own strangers, how many would be given a name at the recommended policy."""
    visits: npt.NDArray[np.float64]
    """Of each confirmed visit that is kept, the best cosine; all of them passed the threshold of their time."""
    visits_missed: int
    """How many of these are below the recommended threshold."""
    unknown_visitors: npt.NDArray[np.float64]
    """Of each unknown person who is remembered, the best cosine with anybody of the household."""
    unknown_named_now: int
    unknown_named: int
    """Of how many of them a look would be given a name, at the policy in use and at the recommended one."""


def calibrate(
    looks: Sequence[KnownLook],
    cohort: Cohort | None,
    own_strangers: Vector | None,
    *,
    rate: float,
    now: Policy,
    level: float,
    visits: Sequence[float] = (),
    visitors: Sequence[Vector] = (),
) -> Measured:
    """Measure the looks of a gallery. `level` is a cosine that few strangers reach, below which looks are outliers.

    `own_strangers`, (n, size), are faces that are known to be nobody of the household. `visits` are the similarities of
    confirmed visits, and `visitors` the looks, (n, size) each, at unknown people who came. The advice depends on
    neither: only who passed was ever confirmed, and only who did not is unknown. Raise EnrollmentError when nobody is
    enrolled, ModelError when there are too few strangers.
    """
    if not looks:
        raise EnrollmentError("nobody is enrolled, so nothing can be measured", hint="`edgeface enroll` somebody first")
    names = sorted({look.name for look in looks})
    people = np.array([names.index(look.name) for look in looks])
    vectors = np.stack([look.vector for look in looks])
    scores = _stranger_scores(cohort, own_strangers, vectors, people)
    left_out = leave_one_out(vectors, people)
    tails = fit_tails(scores, cohort.shape if cohort else 0.0)
    advice = advise(tails, left_out, rate=rate, threshold=now.threshold, margin=now.margin)
    pairs = [Confusable(names[a], names[b], score) for a, b, score in closest_pairs(vectors, people)]
    confusable = [pair for pair in pairs if pair.similarity >= advice.threshold]
    suspects = _suspects(looks, people, left_out, level)
    own = _named(own_strangers, vectors, people, advice) if own_strangers is not None else 0
    return Measured(
        people=len(names),
        looks=len(looks),
        strangers=len(scores),
        rate=rate,
        least_promised=least_promised(
            len(names), blended=cohort is not None, real=0 if own_strangers is None else len(own_strangers)
        ),
        now=now,
        advice=advice,
        genuine=left_out.own[left_out.judged],
        found_now=int(left_out.found(now.threshold, now.margin).sum()),
        found=int(left_out.found(advice.threshold, advice.margin).sum()),
        nearest_pair=pairs[0] if pairs else None,
        confusable=confusable,
        wanting=_wanting(looks, left_out, advice, confusable),
        suspects=suspects,
        stranger_scores=scores.max(axis=1),
        own_strangers_named=own,
        visits=np.asarray(visits, np.float64),
        visits_missed=sum(similarity < advice.threshold for similarity in visits),
        unknown_visitors=np.array([float((seen @ vectors.T).max()) for seen in visitors]),
        unknown_named_now=sum(_named(seen, vectors, people, now) > 0 for seen in visitors),
        unknown_named=sum(_named(seen, vectors, people, advice) > 0 for seen in visitors),
    )


def rate_of(false_accepts_per_day: float, strangers_per_day: float) -> float:
    """Return the false accepts a visit that give so many a day."""
    if not 0 < false_accepts_per_day <= strangers_per_day:
        raise ConfigError(
            f"{false_accepts_per_day:g} false accepts a day cannot come of {strangers_per_day:g} strangers a day",
            hint="ask for fewer false accepts than strangers come",
        )
    return false_accepts_per_day / strangers_per_day


def _stranger_scores(
    cohort: Cohort | None, own: Vector | None, vectors: Vector, people: npt.NDArray
) -> npt.NDArray[np.float64]:
    """Return the corrected cosines of strangers with people, (strangers, people): those of the cohort, then your own.

    `vectors`, (looks, size), are of the gallery, and `people`, (looks,), say by number whose they are.
    """
    known = [] if cohort is None else [cohort.scores(vectors, people)]
    known += [] if own is None else [Cohort(own).scores(vectors, people)]
    count = sum(map(len, known))
    if count < LEAST_STRANGERS:
        raise ModelError(
            f"{count} strangers are known, at least {LEAST_STRANGERS} are needed: the bundle has no cohort",
            hint="use a bundle with one, or give --strangers, a file of `edgeface embed` with enough of them",
        )
    return np.concatenate(known)


def _named(own: Vector, vectors: Vector, people: npt.NDArray, advice: Advice | Policy) -> int:
    """Count those of your own strangers, (n, size), who would be given a name."""
    ranked = np.sort(Cohort(own).scores(vectors, people), axis=1)
    leads = ranked[:, -1] - ranked[:, -2] >= advice.margin if ranked.shape[1] > 1 else True
    return int(np.sum((ranked[:, -1] >= advice.threshold) & leads))


def _suspects(looks: Sequence[KnownLook], people: npt.NDArray, left_out: LeftOut, level: float) -> list[Suspect]:
    """Return looks that are nearer to somebody else than to their person, or to nothing at all.

    `people`, (looks,), are the numbers of their owners.
    """
    name_of = {int(person): look.name for person, look in zip(people, looks, strict=True)}
    mistaken, apart = left_out.mistaken(level), outliers(left_out, people, level)
    found = []
    for place, look in enumerate(looks):
        own, other = left_out.own[place], left_out.other[place]
        if mistaken[place]:
            rival = name_of[int(left_out.other_person[place])]
            reason = f"nearer to {rival} ({other:.2f}) than to other looks of {look.name} ({own:.2f})"
            found.append(Suspect(look.number, look.name, reason))
        elif apart[place]:
            reason = f"outlier: {own:.2f} to the nearest other look of {look.name}, as strangers are"
            found.append(Suspect(look.number, look.name, reason))
    return found


def _wanting(
    looks: Sequence[KnownLook], left_out: LeftOut, advice: Advice, confusable: Sequence[Confusable]
) -> list[Wanting]:
    """Say, one line a person, who would be recognised more surely with another look."""
    of_person: dict[str, list[int]] = defaultdict(list)
    for place, look in enumerate(looks):
        of_person[look.name].append(place)
    alike = {pair.first: pair for pair in reversed(confusable)} | {pair.second: pair for pair in reversed(confusable)}
    found = left_out.found(advice.threshold, advice.margin)
    wanting = []
    for name, places in sorted(of_person.items()):
        if len(places) == 1:
            wanting.append(Wanting(name, "one look only, so nothing tells how well it is recognised"))
        elif not found[places].all():
            missed = int(np.sum(~found[places]))
            wanting.append(Wanting(name, f"{missed} of {len(places)} looks would not be recognised by the others"))
        elif name in alike:
            pair = alike[name]
            rival = pair.second if pair.first == name else pair.first
            wanting.append(Wanting(name, f"looks like {rival} ({pair.similarity:.2f})"))
    return wanting
