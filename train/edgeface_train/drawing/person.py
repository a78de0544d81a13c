"""What makes a drawn person that person, and what changes from one picture of them to the next."""

from dataclasses import dataclass
from typing import Literal

Colour = tuple[float, float, float]
"""Red, green, blue, 0 to 1."""

HairStyle = Literal["bald", "buzz", "short", "quiff", "curls", "bob", "long", "waves", "bun", "scarf", "beanie"]
Beard = Literal["none", "stubble", "moustache", "goatee", "full"]


@dataclass(frozen=True, slots=True)
class Shape:
    """The head."""

    width: float
    """Half of it, at the cheekbones."""
    jaw: float
    """Exponent of the outline below: 1.6 pointed to 3.4 square."""
    chin: float
    """How far below the eyes it ends."""
    ears: float
    """Their size, about 1."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """Both eyes."""

    gap: float
    """Half the distance between their centres."""
    width: float
    """Half of it."""
    height: float
    tilt: float
    """Radians; positive: outer corners up."""
    iris: Colour
    lashes: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Brows:
    """Both eyebrows."""

    height: float
    """Above the eyes."""
    thickness: float
    arch: float
    tilt: float
    """Positive: outer ends up."""


@dataclass(frozen=True, slots=True)
class Nose:
    """The nose."""

    length: float
    """How far below the eyes its tip is."""
    width: float
    """Half of it."""
    ridge: float
    """How far it stands out."""


@dataclass(frozen=True, slots=True)
class Mouth:
    """The mouth."""

    drop: float
    """How far below the eyes it is."""
    width: float
    """Half of it."""
    upper_lip: float
    lower_lip: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Hair:
    """Hair, or what covers it."""

    style: HairStyle
    colour: Colour
    length: float
    """Of long hair, about 1 to 3."""
    volume: float
    """About 1."""
    fringe: float
    """0 none to 1 down to the brows."""
    parting: float
    """Where it parts, -0.55 to 0.55."""
    line: float
    """How far above the eyes it begins."""
    beard: Beard
    cloth: Colour
    """Of a scarf or a hat."""


@dataclass(frozen=True, slots=True)
class Person:
    """A stable look; lengths in distances between the eyes of an average face, origin between the eyes."""

    skin: Colour
    blush: float
    age: float
    """0 young to 1 old: folds, shade below the eyes, grey hair."""
    freckles: float
    moles: tuple[tuple[float, float], ...]
    shape: Shape
    eyes: Eyes
    brows: Brows
    nose: Nose
    mouth: Mouth
    hair: Hair
    glasses: Literal["none", "round", "square"]
    glasses_colour: Colour
    earrings: bool
    grain: int
    """Seed of the hair's strands and the skin's spots."""


@dataclass(frozen=True, slots=True)
class Take:
    """One picture: pose, expression, light, surroundings and camera."""

    yaw: float
    """Radians; positive: towards the right of the picture."""
    pitch: float
    """Radians; positive: up."""
    roll: float
    shift: tuple[float, float]
    """Of the point between the eyes, from where it belongs, in picture widths."""
    scale: float
    """Distance between the eyes of an average face, in picture widths."""
    smile: float
    """-0.4 sad to 1."""
    open: float
    """0 closed to 1: teeth show."""
    lids: float
    """1 open to 0.35 nearly closed."""
    brows: float
    """How far raised."""
    gaze: tuple[float, float]
    light: tuple[float, float]
    """Azimuth (positive: from the right of the picture) and elevation of the light, radians."""
    contrast: float
    """Share of the directed light, the rest comes from all around."""
    exposure: float
    warmth: float
    background: int
    """Seed of what is behind."""
    cloth: Colour
    blur: float
    """Standard deviation, in thousandths of the picture's width."""
    noise: float
    """Standard deviation, of 255."""
