"""A training recipe: data, network, augmentation and stages, read from one TOML file and checked before any work."""

import json
import tomllib
from dataclasses import asdict, dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from edgeface.errors import ConfigError
from edgeface.settings import read_section
from edgeface_train.impossible import problems
from edgeface_train.stage import Stage

NOT_TRAINED_BY = ("export.", "data.sources")
"""How the names of settings begin on which training does not depend: a run that was started may be given others."""
TOLD = 5
"""Differences named in one message, at most."""


@dataclass(frozen=True, slots=True)
class Data:
    """Where the chips are; every path is relative to the folder given with --data."""

    train: str = "."
    """Folder of people, PERSON/*.png, as `edgeface prepare` writes it."""
    held_out: str = ""
    """Folder of other people. Empty: some people of `train` are held out."""
    held_out_people: int = 20
    """How many, where no folder of other people is given."""
    teacher: str = ""
    """An .npz with `vectors` (n, size), the teacher's unit embeddings, as `edgeface data teach` makes it; needed by
    stages that distil."""
    unlabelled: str = ""
    """Folder of chips, at any depth, of which nobody knows who is on them, for stages with `unlabelled_share`; the
    teacher's file needs vectors of them, as `edgeface data teach --unlabelled` makes them."""
    teacher_order: str = ""
    """A CSV whose column `file` names the chip of each row of `teacher`, where that does not say so itself."""
    clean: str = ""
    """The list that `edgeface data check --write-clean` wrote: which photos of `train` to leave out, whom to join."""
    sources: str = ""
    """Where the photographs come from, for the card."""


@dataclass(frozen=True, slots=True)
class Network:
    """The backbone; see `backbone.py` and the table in docs/backbones.md."""

    backbone: Literal["residual", "fused", "mobilefacenet"] = "residual"
    """Kind of block: dense residual, fused inverted residual, depthwise inverted residual."""
    input_size: int = 112
    """Pixels, side of the chip; no other is known."""
    stem: int = 24
    """Channels of the first convolution."""
    widths: list[int] = field(default_factory=lambda: [48, 96, 192])
    """Channels of each part; every part halves the side of the feature map."""
    depths: list[int] = field(default_factory=lambda: [2, 3, 1])
    """Blocks of each part."""
    head: int = 384
    """Channels of the last feature map."""
    embedding: int = 128
    """Size of the embedding."""
    dropout: float = 0.0
    """Share of the features before the embedding that a step leaves out."""
    start: str = ""
    """Weights to begin from instead of random ones: a run's folder, a bundle's, or "default", the shipped bundle. From
    a bundle, a part of the network may have more blocks than it has there: they add nothing to begin with."""
    mean_with: list[str] = field(default_factory=list)
    """Runs or bundles of the same network that began from `start`, or from what it began from: training begins from the
    mean of all their weights and `start`'s, which is often better than each."""
    norm: Literal["batch", "folded"] = "batch"
    """`folded`: no batch normalisation; what it did in the network of `start` is in kernels and biases. A step
    took half the time in bfloat16."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """What training computes in; bfloat16 is a third faster where the processor has it, with float32 weights."""


@dataclass(frozen=True, slots=True)
class Augment:
    """How a chip is varied each time it is shown; probabilities are per chip."""

    flip: bool = True
    """Mirror half of the chips."""
    shift: int = 4
    """Pixels, at most, in each direction."""
    turn: float = 5.0
    """Degrees, at most."""
    zoom: float = 0.06
    """Change of scale, at most."""
    light: float = 0.25
    """Change of brightness and contrast, at most, as a share."""
    colour: float = 0.1
    """Tint of the light, at most, as a share of each colour."""
    grey: float = 0.1
    """Probability of losing all colour."""
    low_resolution: float = 0.2
    """Probability of a picture of a half to a fifth of the pixels a side."""
    blur: float = 0.15
    """Probability of wrong focus or motion."""
    jpeg: float = 0.1
    """Probability of compression, of quality 20 to 79."""
    noise: float = 0.1
    """Probability of grain, with a deviation of 3 to 15 of 255."""
    occlusion: float = 0.05
    """Probability that something of one colour hides the lower quarter to almost half."""
    dark: float = 0.0
    """Probability of low light as a small camera sees it: 6 to 40 % of the light, the noise of a high gain, pale
    colour."""
    infrared: float = 0.0
    """Probability of a night-vision camera's look: grey that is mostly red, a lamp beside the lens, contrast, noise; of
    other chips than `dark`."""
    where: Literal["host", "device"] = "host"
    """Who varies the chips: the host's processor, a step ahead of the network, or the device that trains, within the
    step; for an accelerator that learns from more chips than the processor varies."""


PLAIN = Augment(
    flip=False,
    shift=0,
    turn=0,
    zoom=0,
    light=0,
    colour=0,
    grey=0,
    low_resolution=0,
    blur=0,
    jpeg=0,
    noise=0,
    occlusion=0,
)
"""Chips as they are."""


@dataclass(frozen=True, slots=True)
class Export:
    """What the exported bundle must reach and what its card says."""

    min_cosine_int8: float = 0.99
    """Least median cosine between the int8 file and the trained network, on held-out chips."""
    min_cosine_int8_low: float = 0.97
    """Least first percentile of those cosines: 99 in 100 chips are nearer."""
    max_tar_loss_int8: float = 1.0
    """Most true accepts, as a share, that the int8 file may lose to the trained network at a false-accept rate of 1e-3
    on held-out chips, where there are pairs enough to tell; 1: any."""
    min_cosine_float: float = 0.999
    mirror: bool = False
    """Whether a device embeds each chip and its mirror image: better vectors for twice the time."""
    calibration: int = 500
    """Training chips that set the ranges of the int8 activations."""
    fine_tune: int = 0
    """Training chips with which the int8 file's network is tuned to its rounding (quantisation-aware training, with
    the trained network for a teacher); 0: it is rounded as it is."""
    default_variant: Literal["int8", "float16", "float32"] = "int8"
    variants: list[str] = field(default_factory=lambda: ["float32", "float16", "int8"])
    """Of these, the default one included, the bundle is made."""
    licence: str = "the weights are yours; the photographs' own terms apply to what you do with them"
    intended_use: str = "convenience: greeting, presence, sorting pictures; never the only factor of access control"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything a training run is made from."""

    name: str
    """Of the run's folder and of the bundle; in a file that says nothing, the file's name."""
    seed: int = 1
    """Of the weights and of every draw."""
    data: Data = field(default_factory=Data)
    """`[data]`."""
    network: Network = field(default_factory=Network)
    """`[network]`."""
    augment: Augment = field(default_factory=Augment)
    """`[augment]`."""
    stage: list[Stage] = field(default_factory=list)
    """`[[stage]]`, in the order in which they are trained."""
    export: Export = field(default_factory=Export)
    """`[export]`."""

    def resolved(self) -> dict[str, Any]:
        """Return every setting, defaults included, as plain values."""
        return asdict(self)


def find_recipe(name: str) -> Path:
    """Return the file a recipe's name or path means: a file as given, else one that ships with the trainer."""
    given = Path(name)
    if given.is_file():
        return given
    shipped = Path(str(files("edgeface_train"))) / "recipes"
    packaged = shipped / given.with_suffix(".toml").name
    if packaged.is_file():
        return packaged
    known = ", ".join(sorted(path.name for path in shipped.glob("*.toml")))
    raise ConfigError(f"no recipe {name!r}", hint=f"give a TOML file, or one of {known}")


def read_recipe(path: Path, overrides: list[str] | None = None) -> Recipe:
    """Read and check a recipe. Raise ConfigError naming the setting that is wrong."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"recipe {path} cannot be read: {error}") from error
    for override in overrides or []:
        _apply(table, override)
    table.setdefault("name", path.stem)
    return recipe_from(table, source=f"recipe {path}")


def recipe_from(table: dict[str, Any], *, source: str) -> Recipe:
    """Build and check a recipe from plain values. Raise ConfigError naming the setting that is wrong."""
    recipe = read_section(Recipe, table, source=source)
    for problem in problems(recipe):
        raise ConfigError(f"{source} cannot be trained: {problem}")
    return recipe


def completed(settings: dict[str, Any], *, source: str) -> dict[str, Any]:
    """Return what an older trainer kept of a run with what is new since, at its default.

    What is not of the recipe stays as it is. That it can be trained was checked then, if at all: a bench makes plans
    that no file could ask for. Raise ConfigError naming the setting that is unknown or of another type.
    """
    own = {key: value for key, value in settings.items() if key in {each.name for each in fields(Recipe)}}
    return {**settings, **read_section(Recipe, own, source=source).resolved()}


def differences(kept: dict[str, Any], now: dict[str, Any]) -> str:
    """Return in words which settings on which training depends differ, with both values; empty where none does."""
    before, after = _flat(kept), _flat(now)
    keys = [key for key in before | after if not key.startswith(NOT_TRAINED_BY) and before.get(key) != after.get(key)]
    told = [f"{key} {_said(before, key)}, now {_said(after, key)}" for key in keys[:TOLD]]
    return "; ".join(told) + (f"; and {len(keys) - TOLD} more" if len(keys) > TOLD else "")


def _said(settings: dict[str, Any], key: str) -> str:
    return json.dumps(settings[key]) if key in settings else "none"


def _flat(settings: dict[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Return settings by the names that an override gives them."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        inner = dict(enumerate(value)) if isinstance(value, list) and value and isinstance(value[0], dict) else value
        found |= _flat(inner, f"{prefix}{key}.") if isinstance(inner, dict) else {f"{prefix}{key}": inner}
    return found


def _apply(table: dict[str, Any], override: str) -> None:
    """Set `section.key=value` or `stage.N.key=value` (N from 0); the value is TOML, or else a plain word."""
    key, equals, text = override.partition("=")
    *sections, last = key.strip().split(".")
    if not equals or not last:
        raise ConfigError(f"override {override!r} is not key=value", hint="for example: -o stage.1.triplets=2000")
    place: Any = table
    for section in sections:
        try:
            place = place[int(section)] if isinstance(place, list) else place.setdefault(section, {})
        except (ValueError, IndexError) as error:
            raise ConfigError(f"override {override!r}: there is no stage {section}") from error
    try:
        place[last] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        place[last] = text
