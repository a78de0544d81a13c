"""Draw the chips of an epoch, or batches of P people x K chips, where many photographs make nobody count for more."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from edgeface.core.types import Vector
from edgeface.errors import ConfigError
from edgeface_train.stage import Stage
from edgeface_train.teacher import Teacher

REACH = 2
"""The people of a hard batch are drawn from so many times as many nearest people, so that batches vary."""

COMPANY, RARE = 20, 0.25
"""Whom a person is compared with to tell whether they are rare, and which share of people is called so."""

Chips = npt.NDArray[np.int64]


def centres(vectors: Vector, people: npt.NDArray[np.int32], count: int) -> npt.NDArray[np.float32]:
    """Return the (count, size) unit mean of each person's unit vectors."""
    total = np.zeros((count, vectors.shape[1]), np.float32)
    np.add.at(total, people, vectors)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-6)


def chips_of_epoch(people: npt.NDArray[np.int32], per_person: int, rng: np.random.Generator) -> Chips:
    """Draw chips, in the order of their file, at most `per_person` of each person; 0: all."""
    order = rng.permutation(len(people))
    ranked = order[np.argsort(people[order], kind="stable")]
    whose = people[ranked]
    rank = np.arange(len(whose)) - np.searchsorted(whose, whose)
    return np.sort(ranked[rank < (per_person or len(people))])


def rare_people(middles: Vector) -> npt.NDArray[np.bool_]:
    """Tell which quarter of people has fewest like them: the least mean cosine to the nearest of the others.

    `middles` (people, size) are their unit vectors. What a set has few of, a network learns last.
    """
    company = np.empty(len(middles), np.float32)
    reach = min(COMPANY, len(middles) - 1)
    for start in range(0, len(middles), 1024):
        block = slice(start, start + 1024)
        nearest = np.partition(middles[block] @ middles.T, -reach - 1, axis=1)[:, -reach - 1 :]
        company[block] = (nearest.sum(axis=1) - 1) / reach
    return company <= np.quantile(company, RARE)


def rows_of_epoch(
    stage: Stage, people: npt.NDArray[np.int32], teacher: Teacher | None, rng: Callable[[str], np.random.Generator]
) -> Chips:
    """Draw an epoch of a stage: of the chips that are `people`'s, of the teacher's blends, numbered behind them, and of
    the unlabelled chips, numbered behind those.

    `rng` gives the draws of "chips", "blends" and "unlabelled" their own sources. Where the stage's shares leave
    nothing to people, an epoch has every unlabelled chip once. Raise ConfigError where there is nothing to draw from.
    """
    chips = chips_of_epoch(people, stage.per_person, rng("chips"))
    if teacher is not None and stage.rare_repeats > 1:
        rare = rare_people(centres(teacher.vectors, people, int(people.max()) + 1))
        chips = np.repeat(chips, np.where(rare[people[chips]], stage.rare_repeats, 1))
    blends, unlabelled = (0, 0) if teacher is None else teacher.behind
    count, share = len(chips), stage.labelled_share
    if not share:
        chips, count, share = chips[:0], max(1, unlabelled), stage.unlabelled_share  # one that is not there is refused
    of_blends = draw_behind("blends", blends, round(count * stage.blend_share / share), rng("blends"))
    of_nobody = draw_behind("unlabelled", unlabelled, round(count * stage.unlabelled_share / share), rng("unlabelled"))
    return np.concatenate([chips, len(people) + of_blends, len(people) + blends + of_nobody])


def draw_behind(kind: str, there: int, wanted: int, rng: np.random.Generator) -> Chips:
    """Draw so many of the blends or unlabelled chips that are there; all before one comes twice.

    Raise ConfigError where there are none.
    """
    if wanted and not there:
        raise ConfigError(
            f"a stage wants a share of {kind}, of which the teacher's file has none",
            hint=f"make it with `edgeface data teach --{kind}`, or set the share to 0",
        )
    return np.sort(np.resize(rng.permutation(there), wanted))


def people_batches(
    chips: Chips,
    people: npt.NDArray[np.int32],
    *,
    people_per_batch: int,
    chips_per_person: int,
    rng: np.random.Generator,
    pairs: bool = False,
    centres: Vector | None = None,
) -> list[Chips]:
    """Return an epoch's batches, each of P people and K chips of every one of them, a person's chips side by side.

    `people` (n,) says whose the chips (n,) are; there are as many batches as show n chips. People come in turn: nobody
    is drawn again before everybody has been drawn as often. So do a person's chips; who has fewer than K shows some of
    them several times in a batch. With `pairs`, people who have one chip only are left out.
    Source: Hermans et al. 2017, "In defense of the triplet loss", section 2.

    With `centres`, (highest person + 1, size) unit vectors, a batch is a person in turn and others like it, drawn,
    least shown first, from the 2 (P - 1) nearest people: batches that are hard, of people who are mistaken for each
    other. Source: in the spirit of Smirnov et al. 2017, "Doppelganger mining for face representation learning".
    """
    of_person = list(_places_of_people(people, least=2 if pairs else 1))
    numbers = np.array([people[rows[0]] for rows in of_person], np.int64)
    near = None if centres is None else centres[numbers]
    shown = np.zeros(len(of_person), np.int64)
    turns = [_Turns(chips[rows], rng) for rows in of_person]
    batches = []
    for _ in range(max(1, -(-len(chips) // (people_per_batch * chips_per_person)))):
        chosen = _people_of_batch(shown, people_per_batch, near, rng)
        shown[chosen] += 1
        batches.append(np.concatenate([turns[person].draw(chips_per_person) for person in chosen]))
    return batches


def people_to_draw(people: npt.NDArray[np.int32], *, pairs: bool) -> int:
    """Count the people from whom `people_batches` can draw."""
    counts = np.unique(people, return_counts=True)[1]
    return int(np.count_nonzero(counts >= (2 if pairs else 1)))


def check_people(stage: Stage, people: npt.NDArray[np.int32]) -> None:
    """Raise ConfigError where a stage wants more people in a batch than can be drawn from."""
    pairs = stage.kind == "in-batch"
    there = people_to_draw(people, pairs=pairs)
    if stage.people_per_batch > there:
        raise ConfigError(
            f"people_per_batch is {stage.people_per_batch}, but there are {there} people "
            f"{'with two chips ' if pairs else ''}to draw from",
            hint="lower it, or add people",
        )


class _Turns:
    """One person's chips, each of which is shown again only after all others have been."""

    def __init__(self, chips: Chips, rng: np.random.Generator) -> None:
        self._chips, self._rng = chips, rng
        self._shown = np.zeros(len(chips), np.int64)

    def draw(self, count: int) -> Chips:
        """Draw chips, different ones while there are enough."""
        chosen = np.resize(_least_shown(self._shown, min(count, len(self._chips)), self._rng), count)
        np.add.at(self._shown, chosen, 1)
        return self._chips[chosen]


def _people_of_batch(
    shown: npt.NDArray[np.int64], count: int, near: Vector | None, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    if near is None:
        return _least_shown(shown, count, rng)
    seed = _least_shown(shown, 1, rng)
    similarity = near @ near[seed[0]]
    similarity[seed] = -np.inf
    reach = min(REACH * (count - 1), len(near) - 1)
    nearest = np.argpartition(-similarity, reach - 1)[:reach]
    return np.concatenate([seed, nearest[_least_shown(shown[nearest], count - 1, rng)]])


def _least_shown(shown: npt.NDArray[np.int64], count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Choose `count` different places that were shown least, at random among equals."""
    return np.argsort(shown + rng.random(len(shown)))[:count]


def _places_of_people(people: npt.NDArray[np.int32], *, least: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the places of each person who has at least so many."""
    order = np.argsort(people, kind="stable")
    edges = np.flatnonzero(np.diff(people[order])) + 1
    for rows in np.split(order, edges):
        if len(rows) >= least:
            yield rows
