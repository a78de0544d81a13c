"""The papers' mining as loops over triplets in float64, and, as a program, a comparison with the Keras backend."""

import sys

import numpy as np


def some_batch(seed, spread, remembered, people=4, each=3, size=6):
    """Return embeddings, people, candidates and their people; of those remembered the last two places are empty."""
    rng = np.random.default_rng(seed)
    numbers = rng.permutation(np.repeat(np.arange(people), each)).astype(np.float32)
    centres = rng.normal(size=(people + 2, size))
    embeddings = _unit(centres[numbers.astype(int)] + spread * rng.normal(size=(len(numbers), size)))
    if not remembered:
        return embeddings, numbers, embeddings, numbers
    known = rng.integers(0, people + 2, remembered)
    vectors = _unit(centres[known] + spread * rng.normal(size=(remembered, size)))
    known[-2:], vectors[-2:] = -1, 0
    return embeddings, numbers, np.concatenate([embeddings, vectors]), np.concatenate([numbers, known]).astype("f4")


def _unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _squared(a, b):
    return float(np.sum((a.astype(np.float64) - b.astype(np.float64)) ** 2))


def _sides(people, candidate_people, anchor):
    """Return the places of an anchor's positives and negatives."""
    places = range(len(candidate_people))
    positives = [place for place in places if place != anchor and candidate_people[place] == people[anchor]]
    negatives = [place for place in places if candidate_people[place] not in (-1, people[anchor])]
    return positives, negatives


def _mean_active(terms):
    active = [term for term in terms if term > 0]
    return sum(active) / len(active) if active else 0.0


def slow_semi_hard(embeddings, people, candidates, candidate_people, margin):
    terms = []
    for anchor, vector in enumerate(embeddings):
        positives, negatives = _sides(people, candidate_people, anchor)
        for positive in positives:
            near = _squared(vector, candidates[positive])
            beyond = [far for far in (_squared(vector, candidates[place]) for place in negatives) if far > near]
            if beyond:
                terms.append(max(0.0, near - min(beyond) + margin))
    return _mean_active(terms)


def slow_batch_hard(embeddings, people, candidates, candidate_people, margin, soft):
    terms = []
    for anchor, vector in enumerate(embeddings):
        positives, negatives = _sides(people, candidate_people, anchor)
        if positives and negatives:
            farthest = max(_squared(vector, candidates[place]) for place in positives) ** 0.5
            nearest = min(_squared(vector, candidates[place]) for place in negatives) ** 0.5
            gap = farthest - nearest
            terms.append(np.log1p(np.exp(gap)) if soft else max(0.0, gap + margin))
    return sum(terms) / len(terms) if terms else 0.0


def slow_chances(squared, size):
    """Return min(lambda, 1 / q(d)) of Wu et al., normalised; flat below d = 0.5 and above the most common distance."""
    weights = []
    for value in squared:
        distance = min(max(value**0.5, 0.5), 2**0.5)
        density = distance ** (size - 2) * (1 - distance**2 / 4) ** ((size - 3) / 2)
        weights.append(1 / density)
    return np.array(weights) / sum(weights)


def slow_distance_weighted(embeddings, people, candidates, candidate_people, margin, chances):
    terms = []
    for anchor, vector in enumerate(embeddings):
        positives, negatives = _sides(people, candidate_people, anchor)
        squared = [_squared(vector, candidates[place]) for place in negatives]
        for positive in (place for place in positives if place < len(embeddings)):
            left = (float(chances[anchor]) + float(chances[positive])) % 1.0
            for share, far in zip(slow_chances(squared, embeddings.shape[1]), squared, strict=True):
                left -= share
                if left < 0:
                    terms.append(max(0.0, _squared(vector, candidates[positive]) - far + margin))
                    break
    return _mean_active(terms)


def main():
    """Compare every mining with its loop on the backend that is set, and a memory's rows with what went in."""
    import keras
    from edgeface_train.inbatch import batch_hard, distance_weighted, semi_hard
    from edgeface_train.memory import CrossBatchMemory

    worst = 0.0
    for seed in range(6):
        batch = some_batch(seed, 0.5, remembered=7 * (seed % 2))
        chances = np.random.default_rng(seed).random(len(batch[0])).astype(np.float32)
        pairs = [
            (semi_hard(*batch, margin=0.2), slow_semi_hard(*batch, 0.2)),
            (batch_hard(*batch, margin=0.2), slow_batch_hard(*batch, 0.2, False)),
            (batch_hard(*batch, margin=0.2, soft=True), slow_batch_hard(*batch, 0.2, True)),
            (
                distance_weighted(*batch, margin=0.5, chances=chances),
                slow_distance_weighted(*batch, 0.5, chances),
            ),
        ]
        worst = max(worst, *(abs(float(fast) - slow) for fast, slow in pairs))
    same = np.eye(8, dtype=np.float32)[[0, 0, 0, 0]]
    tied = semi_hard(same, np.array([0.0, 0, 1, 1]), same, np.array([0.0, 0, 1, 1]), margin=0.2)
    memory = CrossBatchMemory(3)
    first, people = np.eye(2, dtype=np.float32), np.array([[4.0], [5.0]], np.float32)
    memory([first, people], training=True)
    rows = np.asarray(memory([-first, people], training=False))
    right = np.array_equal(rows[2:4, :2], first) and rows[4, 2] == -1 and float(tied) == 0.0
    sys.stdout.write(f"{keras.backend.backend()} {'alike' if right and worst < 1e-4 else f'apart by {worst}'}\n")


if __name__ == "__main__":
    main()
