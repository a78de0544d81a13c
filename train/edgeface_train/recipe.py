"""A training recipe: data, network, augmentation and stages, read from one TOML file and checked before any work."""

import tomllib
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from edgeface.errors import ConfigError
from edgeface.settings import read_section


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
    """An .npz with `vectors` (n, size), the teacher's unit embeddings; needed by stages that distil."""
    teacher_order: str = ""
    """A CSV whose column `file` names the chip of each row of `teacher`."""
    clean: str = ""
    """The list that `edgeface data check --write-clean` wrote: which photos of `train` to leave out, whom to join."""
    sources: str = ""
    """Where the photographs come from, for the card."""


@dataclass(frozen=True, slots=True)
class Network:
    """The backbone; see `backbone.py` and the table in docs/backbones.md."""

    backbone: Literal["residual", "fused", "mobilefacenet"] = "residual"
    input_size: int = 112
    stem: int = 24
    widths: list[int] = field(default_factory=lambda: [48, 96, 192])
    depths: list[int] = field(default_factory=lambda: [2, 3, 1])
    head: int = 384
    """Channels of the last feature map."""
    embedding: int = 128
    dropout: float = 0.0
    start: str = ""
    """Weights to begin from instead of random ones: a run's folder, a bundle's, or "default", the shipped bundle."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """What training computes in; bfloat16 is a third faster where the processor has it, with float32 weights."""


@dataclass(frozen=True, slots=True)
class Augment:
    """How a chip is varied each time it is shown; probabilities are per chip."""

    flip: bool = True
    shift: int = 4
    """Pixels, at most, in each direction."""
    turn: float = 5.0
    """Degrees, at most."""
    zoom: float = 0.06
    """Change of scale, at most."""
    light: float = 0.25
    """Change of brightness and contrast, at most, as a share."""
    colour: float = 0.1
    grey: float = 0.1
    low_resolution: float = 0.2
    blur: float = 0.15
    jpeg: float = 0.1
    noise: float = 0.1
    occlusion: float = 0.05


@dataclass(frozen=True, slots=True)
class Stop:
    """When a stage of rounds has learnt enough."""

    measure: Literal["held-out", "train"] = "held-out"
    """On whose random triplets the rule is read: people never trained on, or those trained on."""
    at_most: float = 0.01
    """Share of random triplets that may still be semi-hard or hard."""
    draws: int = 20000
    """Random triplets drawn to measure it."""
    patience: int = 0
    """End after so many rounds without a better figure; 0: never."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the curriculum."""

    kind: Literal["warmup", "rounds", "distil", "margin", "in-batch"]
    """`warmup`: random triplets; `rounds`: mined triplets until the stop rule holds; `distil`: a teacher's vectors of
    all chips; `margin`: a softmax over the people, with a margin, of all chips; `in-batch`: triplets mined within
    batches of P people x K chips."""
    epochs: int = 2
    """Passes over the stage's triplets (of each round) or over all chips."""
    triplets: int = 100
    batch: int = 96
    """Chips a step: three a triplet."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """`muon` learns more from each step on kernels that mix channels; the rest is left to AdamW."""
    learning_rate: float = 1e-3
    final_learning_rate: float = 0.0
    """Reached by a cosine over the stage (over each round, in `rounds`); 0: constant."""
    warmup_steps: int = 0
    weight_decay: float = 0.0
    average: float = 0.0
    """Decay a step of a moving average of the weights, such as 0.999, which the stage ends with; 0: no average."""
    margin: float = 0.2
    """Of squared Euclidean distance between unit vectors."""
    hard_share: float = 0.5
    """Of the mined triplets, at most so many are hard, the rest semi-hard."""
    negatives: Literal["mined", "batch"] = "mined"
    """`mined`: a pair meets the negative that it was mined with; `batch`: also every chip of others in the batch."""
    max_rounds: int = 30
    triplet_weight: float = 1.0
    distil_weight: float = 0.0
    """Of one minus the cosine to the teacher's vector; 1 where a `distil` stage says nothing."""
    margin_weight: float = 0.0
    """Of the margin softmax, in stages on chips; 1 where a `margin` stage says nothing."""
    scale: float = 32.0
    """Of the cosines in the margin softmax (s in CosFace)."""
    softmax_margin: float = 0.35
    """By which the own centre's cosine must lead (m in CosFace)."""
    per_person: int = 0
    """Chips of a person shown in an epoch of a stage on chips, other ones each time; 0: all."""
    people_per_batch: int = 0
    """P: a batch holds so many people, drawn evenly, and `chips_per_person` of each; 0: `batch` chips, shuffled."""
    chips_per_person: int = 4
    """K, where `people_per_batch` is set."""
    mining: Literal["semi-hard", "batch-hard", "batch-hard-soft", "distance-weighted"] = "semi-hard"
    """How `in-batch` chooses positives and negatives; the margin of `batch-hard` is of the distance, not squared."""
    memory: int = 0
    """Embeddings of former steps that `in-batch` mines among too (cross-batch memory); 0: the batch alone."""
    neighbours: Literal["none", "network", "teacher"] = "none"
    """Whose mean vectors say which people are alike, so that a batch of P people is one person and others like it."""
    stop: Stop = field(default_factory=Stop)

    @property
    def on_chips(self) -> bool:
        """Whether it trains on single chips rather than on triplets."""
        return self.kind in ("distil", "margin", "in-batch")

    @property
    def chips_a_step(self) -> int:
        """Chips that the network is shown in one step."""
        if self.people_per_batch:
            return self.people_per_batch * self.chips_per_person
        return self.batch if self.on_chips else 3 * max(1, self.batch // 3)

    def weights(self) -> tuple[float, float, float]:
        """Return the weights of the triplet loss, the distillation and the margin softmax, defaults filled in."""
        distil = self.distil_weight or float(self.kind == "distil")
        margin = self.margin_weight or float(self.kind == "margin")
        triplet = 0.0 if self.kind in ("distil", "margin") else self.triplet_weight
        return (triplet, distil, margin if self.on_chips else 0.0)


@dataclass(frozen=True, slots=True)
class Export:
    """What the exported bundle must reach and what its card says."""

    min_cosine_int8: float = 0.99
    """Least median cosine between the int8 file and the trained network, on held-out chips."""
    min_cosine_float: float = 0.999
    calibration: int = 500
    """Training chips that set the ranges of the int8 activations."""
    default_variant: Literal["int8", "float16", "float32"] = "int8"
    variants: list[str] = field(default_factory=lambda: ["float32", "float16", "int8"])
    """Of these, the default one included, the bundle is made."""
    licence: str = "the weights are yours; the photographs' own terms apply to what you do with them"
    intended_use: str = "convenience: greeting, presence, sorting pictures; never the only factor of access control"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything a training run is made from."""

    name: str
    seed: int = 1
    data: Data = field(default_factory=Data)
    network: Network = field(default_factory=Network)
    augment: Augment = field(default_factory=Augment)
    stage: list[Stage] = field(default_factory=list)
    export: Export = field(default_factory=Export)

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
    _check(recipe, source)
    return recipe


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


def _check(recipe: Recipe, source: str) -> None:
    network = recipe.network
    problems = [
        (not recipe.stage, "it has no [[stage]]"),
        (len(network.widths) != len(network.depths), "network.widths and network.depths differ in length"),
        (
            network.input_size not in (112,),
            f"network.input_size is {network.input_size}, chips are 112 pixels",
        ),
        (
            recipe.export.default_variant not in recipe.export.variants,
            "export.variants lacks the default variant",
        ),
    ]
    for place, stage in enumerate(recipe.stage):
        problems += [(wrong, f"stage {place}: {reason}") for wrong, reason in _stage_problems(stage, recipe.data)]
    for wrong, reason in problems:
        if wrong:
            raise ConfigError(f"{source} cannot be trained: {reason}")


def _stage_problems(stage: Stage, data: Data) -> list[tuple[bool, str]]:
    people, chips = stage.people_per_batch, stage.chips_per_person
    return [
        (bool(stage.weights()[1]) and not data.teacher, "it distils but data.teacher is empty"),
        (stage.batch < 3 or stage.epochs < 1, "it has no epoch or no batch"),
        (not 0 <= stage.average < 1, f"average is {stage.average}, not from 0 to under 1"),
        (not 0 <= stage.hard_share <= 1, "hard_share is outside 0 to 1"),
        (not 0 < stage.margin < 4, "margin is outside 0 to 4"),
        (people < 0 or chips < 1, f"a batch of {people} people with {chips} chips cannot be made"),
        (people == 1, "people_per_batch is 1, two people or more learn to be told apart"),
        (people > 0 and not stage.on_chips, f"people_per_batch is for stages on chips, not for {stage.kind!r}"),
        (stage.kind == "in-batch" and not people, "in-batch mining needs people_per_batch"),
        (
            stage.kind == "in-batch" and (chips < 2 or stage.per_person == 1),
            "in-batch mining needs two chips of a person: raise chips_per_person or per_person",
        ),
        (stage.memory < 0 or bool(stage.memory and stage.kind != "in-batch"), "memory is for in-batch mining"),
        (stage.neighbours != "none" and not people, "neighbours need people_per_batch"),
        (stage.neighbours == "teacher" and not data.teacher, "neighbours of a teacher, but data.teacher is empty"),
    ]
