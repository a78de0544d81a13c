"""People who are directions in space: a world in which it is known which photo is whose, and what was spoilt."""

import numpy as np
import numpy.typing as npt

SIZE = 64


def unit(vectors):
    """Scale to unit length."""
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def crowd(counts: list[int], *, seed: int = 0, spread: float = 0.8) -> tuple[npt.NDArray, npt.NDArray]:
    """Return (vectors, people): so many photos of each person, around a direction of that person's own.

    With a spread of 0.8 a photo has a cosine of about 0.78 to its person, and two photos one of about 0.6.
    """
    rng = np.random.default_rng(seed)
    people = np.repeat(np.arange(len(counts)), counts)
    directions = unit(rng.normal(size=(len(counts), SIZE)))
    return unit(directions[people] + spread * unit(rng.normal(size=(len(people), SIZE)))), people


def photos_of(people, person):
    """Return the numbers of a person's photos."""
    return np.flatnonzero(people == person)
