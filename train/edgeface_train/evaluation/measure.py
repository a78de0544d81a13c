"""Measure networks on people they never saw: everything on the bench happens here, in this order."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeface.core.metrics import EASY, equal_error_rate, rates_at, roc, tar_at_far, tenfold_accuracy, triplet_kinds
from edgeface.core.protocols import Detector
from edgeface.errors import ConfigError
from edgeface_train.chips import ChipSet
from edgeface_train.evaluation.bootstrap import Weights, draw_people, estimate, resample_pairs, weighted_share
from edgeface_train.evaluation.candidates import Candidate, embed_all, most_precise
from edgeface_train.evaluation.columns import read_columns
from edgeface_train.evaluation.conditions import Condition, conditions, false_accepts, few_people, measure_slices
from edgeface_train.evaluation.identification import LOOKS, Gallery, draw_galleries, measure_searches, unsupported
from edgeface_train.evaluation.pairs import AllPairs, Matrix, compare, histogram, similarity_matrix
from edgeface_train.evaluation.protocol import Couples, digest, read_couples, read_galleries
from edgeface_train.evaluation.results import Curve, Fidelity, Folds, NonEasy, Operating, Promise, Report, Result
from edgeface_train.mining import Photos, Triplets, random_triplets

FARS = (1e-2, 1e-3, 1e-4)
GLOBAL_FAR = 1e-3
MARGINS = (0.0, 0.2, 0.35)
TRIPLETS = 20_000
RESAMPLES = 300
CURVE_POINTS = 60
MAX_CHIPS = 10_000
"""Fifty million pairs, a gigabyte and a half while they are sorted."""

Bar = Callable[[int, str], AbstractContextManager[Callable[[], object]]]
"""Counts up to a number under a label: what it yields is called after each chip."""


@dataclass(frozen=True, slots=True, eq=False)
class Exam:
    """What every network is asked, drawn once so that all are asked the same."""

    chips: ChipSet
    couples: Couples | None
    galleries: list[Gallery]
    triplets: Triplets
    graded: list[Condition]
    weights: Weights
    """Of the people, for the intervals."""
    seed: int
    digests: dict[str, str]
    """As in `Report`."""
    omitted: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """A result, and what comparing it with another needs."""

    result: Result
    vectors: npt.NDArray[np.float32]
    pairs: AllPairs


def set_exam(
    chips: ChipSet,
    detector: Detector,
    *,
    pairs: Path | None,
    oneshot: Path | None,
    seed: int,
    bar: Bar,
    manifest: Path | None = None,
) -> Exam:
    """Read the lists and the manifest, draw galleries, triplets and resamples, and grade the chips.

    Raise ConfigError for people or chips too few or too many, or a list or manifest that does not fit them.
    """
    if len(chips) > MAX_CHIPS:
        raise ConfigError(
            f"{len(chips):,} chips make {len(chips) * (len(chips) - 1) // 2:,} pairs, at most {MAX_CHIPS:,} chips are "
            "compared",
            hint="measure on fewer people: a thousand with five chips each support every figure",
        )
    if len(chips.names) < 2 or chips.counts().max() < 2:
        raise ConfigError(
            f"{len(chips)} chips of {len(chips.names)} people make no genuine or no impostor pair",
            hint="give two people or more, and two chips or more of one of them",
        )
    couples = read_couples(pairs, chips) if pairs else None
    fixed = read_galleries(oneshot, chips) if oneshot else []
    told, unknown = read_columns(manifest, chips.paths) if manifest else ([], [])
    drawn, omitted = draw_galleries(chips.people, LOOKS[1:] if fixed else LOOKS, np.random.default_rng(seed))
    galleries = fixed + drawn
    omitted += unsupported(chips.people, galleries)
    if couples is None:
        omitted.insert(0, "accuracy in ten folds: no list of pairs was given")
    omitted += [*unknown, *few_people(chips.people, told)]
    with bar(len(chips), "grading chips") as on_chip:
        graded = [*conditions(chips.images, detector, on_chip), *told]
    return Exam(
        chips=chips,
        couples=couples,
        galleries=galleries,
        triplets=random_triplets(Photos(chips.people), TRIPLETS, np.random.default_rng(seed)),
        graded=graded,
        weights=draw_people(len(chips.names), RESAMPLES, np.random.default_rng(seed)),
        seed=seed,
        digests={
            "chips": digest(chips.images, chips.people),
            "pairs": digest(couples.left, couples.right, couples.fold) if couples else "",
            "galleries": digest(*(gallery.enrolled for gallery in galleries)),
        },
        omitted=omitted,
    )


def measure_all(exam: Exam, candidates: Sequence[Candidate], bar: Bar) -> Report:
    """Measure every candidate, and each variant against the most precise one."""
    names = [candidate.name for candidate in candidates]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two networks are called {name}", hint="give the peer another name")
    measured = {candidate.name: _measure(exam, candidate, bar) for candidate in candidates}
    own = [candidate.name for candidate in candidates if candidate.model]
    best = measured[most_precise(own)] if own else None
    pairs = next(iter(measured.values())).pairs
    return Report(
        chips=len(exam.chips),
        people=len(exam.chips.names),
        genuine=len(pairs.genuine),
        impostor=len(pairs.impostor),
        seed=exam.seed,
        resamples=len(exam.weights),
        digests=exam.digests,
        omitted=exam.omitted,
        results=[_with_fidelity(one, best) if name in own else one.result for name, one in measured.items()],
    )


def _measure(exam: Exam, candidate: Candidate, bar: Bar) -> _Measured:
    with bar(len(exam.chips), f"{candidate.name}: embedding chips") as on_chip:
        vectors, cpu_ms = embed_all(candidate, exam.chips.images, on_chip)
    people, weights = exam.chips.people, exam.weights
    similarity = similarity_matrix(vectors, candidate.distance)
    pairs = compare(similarity, people)
    shape = roc(pairs.genuine, pairs.impostor, CURVE_POINTS)
    resampled = resample_pairs(pairs, weights, [*FARS, *shape.far])
    operating = []
    for place, far in enumerate(FARS):
        tar, threshold = tar_at_far(pairs.genuine, pairs.impostor, far)
        operating.append(Operating(far, threshold, estimate(tar, resampled.tar[:, place])))
    band = [estimate(tar, resampled.tar[:, len(FARS) + place]) for place, tar in enumerate(shape.tar)]
    result = Result(
        name=candidate.name,
        model=candidate.model,
        size=vectors.shape[1],
        bytes=candidate.bytes,
        cpu_ms=cpu_ms,
        folds=_folds(similarity, exam.couples) if exam.couples else None,
        operating=operating,
        equal_error=estimate(equal_error_rate(pairs.genuine, pairs.impostor), resampled.equal_error),
        searches=measure_searches(similarity, people, exam.galleries, weights),
        non_easy=_non_easy(exam, similarity) if candidate.distance == "cosine" else [],
        slices=measure_slices(similarity, people, exam.graded, _at_global(operating).threshold, weights),
        promises=[_promise(pairs, far, candidate.thresholds[far], weights) for far in sorted(candidate.thresholds)],
        fidelity=None,
        curve=Curve(shape.far.tolist(), shape.tar.tolist(), [at.low for at in band], [at.high for at in band]),
        histogram=histogram(pairs),
    )
    return _Measured(result, vectors, pairs)


def _folds(similarity: Matrix, couples: Couples) -> Folds:
    accuracy = tenfold_accuracy(similarity[couples.left, couples.right], couples.same, couples.fold)
    return Folds(len(couples.same), accuracy.mean, accuracy.standard_error)


def _non_easy(exam: Exam, similarity: Matrix) -> list[NonEasy]:
    """Weigh a triplet by its anchor's and its negative's person."""
    anchor, positive, negative = exam.triplets.T
    near, far = (np.maximum(2 - 2 * similarity[anchor, other], 0) for other in (positive, negative))
    people = exam.chips.people
    weights = exam.weights[:, people[anchor]] * exam.weights[:, people[negative]]
    measured = []
    for margin in MARGINS:
        hit = triplet_kinds(near, far, margin) != EASY
        measured.append(NonEasy(margin, estimate(float(np.mean(hit)), weighted_share(hit, weights))))
    return measured


def _promise(pairs: AllPairs, far: float, threshold: float, weights: Weights) -> Promise:
    realised = false_accepts(pairs.impostor >= threshold, pairs.impostor_people, weights)
    assert realised is not None  # two people make an impostor pair
    return Promise(far, threshold, realised, float(np.mean(pairs.genuine >= threshold)))


def _with_fidelity(one: _Measured, best: _Measured | None) -> Result:
    if best is None or best is one:
        return one.result
    cosines = np.sum(one.vectors * best.vectors, axis=1)
    there = rates_at(one.pairs.genuine, one.pairs.impostor, _at_global(best.result.operating).threshold)
    fidelity = Fidelity(
        reference=best.result.name,
        median_cosine=float(np.median(cosines)),
        p01_cosine=float(np.percentile(cosines, 1)),
        tar_change=_at_global(one.result.operating).tar.value - _at_global(best.result.operating).tar.value,
        far_at_reference_threshold=there.far,
        tar_at_reference_threshold=there.tar,
    )
    return replace(one.result, fidelity=fidelity)


def _at_global(operating: Sequence[Operating]) -> Operating:
    return next(at for at in operating if at.far == GLOBAL_FAR)
