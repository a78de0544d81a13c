"""Make up people and the pictures taken of them, each from a seed."""

import numpy as np

from edgeface_train.drawing.person import Beard, Brows, Colour, Eyes, Hair, HairStyle, Mouth, Nose, Person, Shape, Take

SKINS: tuple[Colour, ...] = (
    (0.95, 0.79, 0.72), (0.92, 0.74, 0.64), (0.89, 0.68, 0.55), (0.84, 0.61, 0.47),
    (0.74, 0.51, 0.38), (0.62, 0.41, 0.30), (0.50, 0.32, 0.23), (0.39, 0.25, 0.18),
)  # fmt: skip
DARK_HAIR: tuple[Colour, ...] = ((0.09, 0.07, 0.07), (0.17, 0.11, 0.08), (0.28, 0.17, 0.10))
HAIR: tuple[Colour, ...] = (
    *DARK_HAIR, (0.38, 0.23, 0.13), (0.52, 0.26, 0.12), (0.62, 0.33, 0.15), (0.72, 0.54, 0.30), (0.86, 0.72, 0.46),
)  # fmt: skip
GREYS: tuple[Colour, ...] = ((0.46, 0.45, 0.44), (0.66, 0.65, 0.63))
EYES: tuple[Colour, ...] = (
    (0.20, 0.12, 0.07), (0.30, 0.18, 0.09), (0.42, 0.29, 0.13), (0.36, 0.42, 0.22),
    (0.27, 0.45, 0.60), (0.45, 0.52, 0.56),
)  # fmt: skip
CLOTHS: tuple[Colour, ...] = (
    (0.18, 0.25, 0.42), (0.55, 0.16, 0.20), (0.13, 0.36, 0.32), (0.80, 0.62, 0.20), (0.40, 0.26, 0.46),
    (0.82, 0.80, 0.76), (0.16, 0.16, 0.18), (0.72, 0.40, 0.28), (0.35, 0.52, 0.66), (0.78, 0.56, 0.60),
)  # fmt: skip


FRAMES: tuple[Colour, ...] = ((0.10, 0.10, 0.12), (0.35, 0.20, 0.10), (0.60, 0.15, 0.15), (0.20, 0.30, 0.50))


def make_person(seed: int) -> Person:
    """Return the person of a seed; any two differ in most of what they consist of."""
    rng = np.random.default_rng([seed, 1])
    feminine, age = rng.uniform(), rng.uniform() ** 1.7
    tone = int(rng.integers(len(SKINS)))
    skin = _varied(SKINS[tone], rng, 0.02, 0.006)
    return Person(
        skin=skin,
        blush=float(rng.uniform(0.1, 0.9) * (0.4 + 0.6 * feminine)),
        age=float(age),
        freckles=float(rng.uniform(0.5, 1.0)) if rng.random() < 0.2 else 0.0,
        moles=_moles(rng),
        shape=_shape(feminine, rng),
        eyes=_eyes(feminine, tone, rng),
        brows=_brows(feminine, rng),
        nose=Nose(float(rng.uniform(0.49, 0.72)), float(rng.uniform(0.19, 0.33)), float(rng.uniform(0.16, 0.32))),
        mouth=_mouth(skin, feminine, rng),
        hair=_hair(feminine, age, tone, rng),
        glasses=("none", "none", "none", "round", "square")[int(rng.integers(5))],
        glasses_colour=_varied(FRAMES[int(rng.integers(len(FRAMES)))], rng, 0.03),
        earrings=bool(rng.random() < 0.5 * feminine),
        grain=int(rng.integers(2**31)),
    )


def _shape(feminine: float, rng: np.random.Generator) -> Shape:
    return Shape(
        width=float(rng.uniform(0.96, 1.17)),
        jaw=float(rng.uniform(1.7, 3.4) - 0.6 * feminine),
        chin=float(rng.uniform(1.68, 2.02) - 0.06 * feminine),
        ears=float(rng.uniform(0.6, 1.35)),
    )


def _eyes(feminine: float, tone: int, rng: np.random.Generator) -> Eyes:
    colours = EYES[:2] if tone > 4 else EYES
    return Eyes(
        gap=float(rng.uniform(0.435, 0.56)),
        width=float(rng.uniform(0.215, 0.285)),
        height=float(rng.uniform(0.135, 0.215) + 0.02 * feminine),
        tilt=float(rng.uniform(-0.14, 0.2)),
        iris=_varied(colours[int(rng.integers(len(colours)))], rng, 0.03),
        lashes=float(rng.uniform(0.2, 0.5) + 0.5 * feminine),
    )


def _brows(feminine: float, rng: np.random.Generator) -> Brows:
    return Brows(
        height=float(rng.uniform(0.25, 0.41)),
        thickness=float(rng.uniform(0.035, 0.10) - 0.022 * feminine),
        arch=float(rng.uniform(0.0, 0.11)),
        tilt=float(rng.uniform(-0.12, 0.14)),
    )


def _mouth(skin: Colour, feminine: float, rng: np.random.Generator) -> Mouth:
    return Mouth(
        drop=float(rng.uniform(1.09, 1.27)),
        width=float(rng.uniform(0.33, 0.50)),
        upper_lip=float(rng.uniform(0.045, 0.11)),
        lower_lip=float(rng.uniform(0.075, 0.15)),
        colour=_lip(skin, feminine, rng),
    )


def _hair(feminine: float, age: float, tone: int, rng: np.random.Generator) -> Hair:
    return Hair(
        style=_hair_style(feminine, age, rng),
        colour=_hair_colour(tone, age, rng),
        length=float(rng.uniform(0.9, 3.2)),
        volume=float(rng.uniform(0.75, 1.35)),
        fringe=float(rng.choice([0.0, 0.0, 0.5, 0.85, 1.0])),
        parting=float(rng.choice([-0.55, -0.3, 0.0, 0.3, 0.55])),
        line=float(rng.uniform(0.86, 1.14) + 0.16 * age * (1 - feminine)),
        beard=_beard(feminine, rng),
        cloth=CLOTHS[int(rng.integers(len(CLOTHS)))],
    )


def make_take(person_seed: int, picture_seed: int) -> Take:
    """Return how one picture of a person is taken; picture 0 is a calm one, as one would enrol."""
    rng = np.random.default_rng([person_seed, picture_seed, 2])

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    calm = 0.35 if picture_seed == 0 else 1.0
    smiling = rng.random() < 0.55
    return Take(
        yaw=calm * float(np.clip(rng.normal(0, 0.27), -0.5, 0.5)),
        pitch=calm * float(np.clip(rng.normal(0, 0.12), -0.24, 0.24)),
        roll=calm * float(np.clip(rng.normal(0, 0.09), -0.25, 0.25)),
        shift=(between(-0.05, 0.05), between(-0.04, 0.04)),
        scale=between(0.165, 0.215),
        smile=between(0.35, 1.1) if smiling else between(-0.4, 0.3),
        open=between(0.3, 1.0) if smiling and rng.random() < 0.6 else 0.0,
        lids=between(0.6, 1.08),
        brows=between(-0.05, 0.09),
        gaze=(between(-0.25, 0.25), between(-0.1, 0.1)),
        light=(between(-1.1, 1.1), between(0.1, 0.9)),
        contrast=between(0.3, 0.62),
        exposure=between(0.76, 1.08),
        warmth=between(-0.06, 0.07),
        background=int(rng.integers(2**31)),
        cloth=CLOTHS[int(rng.integers(len(CLOTHS)))],
        blur=between(0.0, 3.5),
        noise=between(0.0, 5.0),
    )


def _varied(colour: Colour, rng: np.random.Generator, spread: float, tint: float = 0.01) -> Colour:
    """Return a colour that much lighter or darker, and a little of another hue."""
    moved = np.array(colour) * (1 + rng.normal(0, spread * 2)) + rng.normal(0, tint, 3)
    red, green, blue = np.clip(moved, 0.02, 0.98).tolist()
    return red, green, blue


def _hair_colour(tone: int, age: float, rng: np.random.Generator) -> Colour:
    if rng.random() < (age - 0.45) * 1.8:
        return _varied(GREYS[int(rng.integers(len(GREYS)))], rng, 0.02)
    choices = DARK_HAIR if tone > 3 else HAIR
    return _varied(choices[int(rng.integers(len(choices)))], rng, 0.02)


def _hair_style(feminine: float, age: float, rng: np.random.Generator) -> HairStyle:
    masculine: tuple[HairStyle, ...] = ("bald", "buzz", "short", "short", "quiff", "quiff", "curls", "beanie")
    womanly: tuple[HairStyle, ...] = ("bob", "long", "long", "waves", "waves", "bun", "curls", "scarf", "short")
    styles = womanly if feminine > 0.5 else masculine
    if feminine <= 0.5 and age > 0.5 and rng.random() < 0.3:
        return "bald"
    return styles[int(rng.integers(len(styles)))]


def _beard(feminine: float, rng: np.random.Generator) -> Beard:
    if feminine > 0.5:
        return "none"
    beards: tuple[Beard, ...] = ("none", "none", "stubble", "moustache", "goatee", "full", "full")
    return beards[int(rng.integers(len(beards)))]


def _lip(skin: Colour, feminine: float, rng: np.random.Generator) -> Colour:
    red = np.array(
        ((0.72, 0.30, 0.30), (0.80, 0.42, 0.42), (0.66, 0.20, 0.28), (0.62, 0.34, 0.30))[int(rng.integers(4))]
    )
    share = 0.30 + 0.45 * feminine * rng.random()
    mixed = np.array(skin) * np.array([0.9, 0.72, 0.72]) * (1 - share) + red * share * (0.45 + 0.55 * skin[0])
    red_, green, blue = np.clip(mixed, 0, 1).tolist()
    return red_, green, blue


def _moles(rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    count = int(rng.choice([0, 0, 1, 2]))
    return tuple((float(rng.uniform(-0.7, 0.7)), float(rng.uniform(0.25, 1.35))) for _ in range(count))
