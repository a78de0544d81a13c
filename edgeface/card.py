"""The bundle: a folder with a network's TFLite files and the card that says how to use and how far to trust them.

```
bundle/
  model.json           the card
  model-int8.tflite    one file per variant; the card knows each by its SHA-256
  model-float16.tflite
  cohort-int8.npy      if any: strangers of that variant, to calibrate with
  model.json.sig       optional: who signed the card, see `drivers/signing.py`
```
"""

import base64
import hashlib
import json
import math
import stat
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgeface.core.align import TEMPLATE
from edgeface.core.prepare import InputSpec
from edgeface.errors import CardMismatch, ConfigError, ModelError
from edgeface.settings import read_section

CARD_NAME = "model.json"
SHIPPED_BUNDLE = Path(__file__).parent / "models" / "default"
"""The bundle that is used unless another is named."""
SHIPPED_BUNDLES = {"default": SHIPPED_BUNDLE, "xs": SHIPPED_BUNDLE.with_name("xs")}
"""The bundles that come with edgeface, by name: the default one, and one for the smallest devices."""
FORMAT = 1
MAX_MODEL_BYTES = 64 * 2**20
MAX_CARD_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Variant:
    """One TFLite file of a bundle, and what was measured on that very file."""

    path: str
    sha256: str
    bytes: int
    thresholds: dict[str, float]
    """False-accept rate, as written ("0.01", "0.001"), to the least cosine that keeps it, on held-out people."""
    golden_vector: list[float]
    """The unit embedding of the card's golden chip."""
    golden_cosine: float
    """A runtime is refused whose own golden vector is farther from the golden one than this cosine."""
    measured: dict[str, float] = field(default_factory=dict)
    """Fidelity to the trained network and accuracy on held-out people, e.g. median_cosine, tar_at_far_0.01."""


@dataclass(frozen=True, slots=True)
class CohortFile:
    """A file of blended strangers of one variant; `edgeface.cohort_file` reads it."""

    path: str
    sha256: str
    strangers: int
    offset: float
    scale: float
    shape: float
    """As in `core.cohort.Cohort`."""
    people: int
    """From how many people they are blended."""


@dataclass(frozen=True, slots=True)
class Card:
    """How to feed a network, what it gave when it was made, and where it comes from."""

    name: str
    created: str
    """ISO-8601 date, UTC."""
    embedding_size: int
    input: InputSpec
    landmarks: list[list[float]]
    """The (x, y) template of the five landmarks in the chip."""
    golden_chip: str
    """A PNG in base64: the average of many faces, so nobody's picture."""
    default_variant: str
    files: dict[str, Variant]
    training: dict[str, Any]
    """Recipe, people, photos, stages and sources."""
    licence: str
    intended_use: str
    format: int = FORMAT
    cohorts: dict[str, CohortFile] = field(default_factory=dict)
    """By variant; a bundle needs none."""
    evaluation: dict[str, Any] = field(default_factory=dict)
    """What `edgeface evaluate people --write-card` found on people of its own: figures and slices of each variant."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A card and the folder it was read from."""

    folder: Path
    card: Card

    def variant(self, name: str = "") -> Variant:
        """Return the named variant, or the default one."""
        chosen = name or self.card.default_variant
        if chosen not in self.card.files:
            raise ModelError(
                f"bundle {self.folder} has no variant {chosen!r}",
                hint=f"choose one of {', '.join(sorted(self.card.files))}",
            )
        return self.card.files[chosen]

    def read_model(self, name: str = "") -> bytes:
        """Return the variant's TFLite file, its digest checked. Raise CardMismatch when it is another file."""
        variant = self.variant(name)
        path = self.folder / variant.path
        try:
            content = read_plain(path, "model file", MAX_MODEL_BYTES)
        except OSError as error:
            raise ModelError(
                f"model file {path} cannot be read: {error.strerror}", hint="copy the whole bundle again"
            ) from error
        digest = hashlib.sha256(content).hexdigest()
        if digest != variant.sha256:
            raise CardMismatch(
                f"model file {path} is not the one its card describes: SHA-256 {digest[:12]}…, "
                f"expected {variant.sha256[:12]}…",
                hint="copy the whole bundle again; its files belong together",
            )
        return content

    def threshold(self, far: float, name: str = "") -> float:
        """Return the cosine threshold that the card measured for a false-accept rate."""
        variant = self.variant(name)
        for rate, threshold in variant.thresholds.items():
            if abs(float(rate) - far) <= 1e-9:
                return threshold
        known = ", ".join(sorted(variant.thresholds))
        raise ModelError(
            f"bundle {self.folder} has no threshold for a false-accept rate of {far:g}",
            hint=f"choose one of {known}, or set recognition.threshold",
        )


def find_bundle(name: str) -> Path:
    """Return the folder that is meant: of a bundle that comes with edgeface, by its name, else the path as given."""
    return SHIPPED_BUNDLES.get(name) or Path(name).expanduser()


def read_bundle(folder: Path, judge: Callable[[Path, bytes], None] | None = None) -> Bundle:
    """Read a bundle's card; the model files are verified when they are read.

    `judge` is given the folder and the very bytes of the card before anything is made of them, and may refuse them.
    """
    path = folder / CARD_NAME
    again = "write the bundle again with `edgeface export`"
    try:
        content = read_plain(path, "card", MAX_CARD_BYTES)
        if judge:
            judge(folder, content)
        card = _card_from(json.loads(content), path)
    except OSError as error:
        raise ModelError(
            f"no model bundle in {folder}: {path.name} cannot be read ({error.strerror})",
            hint="give a folder that `edgeface export` wrote",
        ) from error
    except ConfigError as error:
        raise ModelError(error.message, hint=again) from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"card {path} cannot be understood: it is not JSON, {error}", hint=again) from error
    _check(card, path)
    return Bundle(folder, card)


def write_bundle(folder: Path, card: Card, models: dict[str, bytes]) -> Bundle:
    """Write the model files, then the card, so that a card never describes files that are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in models.items():
        (folder / card.files[name].path).write_bytes(content)
    return write_card(folder, card)


def write_card(folder: Path, card: Card) -> Bundle:
    """Put a card in the place of the one before, in one step."""
    draft = folder / (CARD_NAME + ".new")
    draft.write_text(json.dumps(asdict(card), indent=1) + "\n")
    draft.replace(folder / CARD_NAME)
    return Bundle(folder, card)


def encode_png(png: bytes) -> str:
    """Return the text that a card holds for a picture."""
    return base64.b64encode(png).decode("ascii")


def read_plain(path: Path, what: str, most: int) -> bytes:
    """Return a file's content. Raise ModelError when it is no plain file or larger than that, OSError."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(f"{what} {path} is not a file", hint="copy the whole bundle again")
    if status.st_size > most:
        raise ModelError(f"{what} {path} is larger than {most >> 20} MiB", hint="copy the whole bundle again")
    return path.read_bytes()


def _card_from(content: Any, path: Path) -> Card:
    if not isinstance(content, dict):
        raise ModelError(f"card {path} cannot be understood: it is no JSON object")
    written = content.get("format", FORMAT)
    if written != FORMAT:
        raise ModelError(
            f"card {path} has format {written!r:.20}, this edgeface reads {FORMAT}", hint="upgrade edgeface"
        )
    return read_section(Card, content, source=f"card {path}")


def _check(card: Card, path: Path) -> None:
    variants = list(card.files.values())
    problems = [
        (not card.files, "it lists no model file"),
        (card.default_variant not in card.files, f"it lacks its default variant {card.default_variant!r}"),
        (not all(_is_file_name(v.path) for v in variants), "a model's path leaves the bundle"),
        (not all(map(_is_usable_cohort, card.cohorts.values())), "a cohort's path or figures are impossible"),
        (
            any(len(v.golden_vector) != card.embedding_size for v in variants),
            "a golden vector has another size",
        ),
        (
            any(abs(math.hypot(*v.golden_vector) - 1) > 0.01 for v in variants),
            "a golden vector is not of unit length",
        ),
        (not _feeds_pictures(card.input), "no picture can be fed as its input says"),
        (not all(0 < v.golden_cosine <= 1 for v in variants), "a golden cosine is not between 0 and 1"),
        (not all(map(_are_thresholds, variants)), "a threshold is not a cosine for a false-accept rate"),
        (not _same_template(card.landmarks), "its landmark template is not the one edgeface aligns to"),
    ]
    for wrong, reason in problems:
        if wrong:
            raise CardMismatch(f"card {path} is unusable: {reason}", hint="write it again with `edgeface export`")


def _feeds_pictures(spec: InputSpec) -> bool:
    return 1 <= spec.size <= 1024 and 0 < abs(spec.scale) <= 1000 and abs(spec.offset) <= 1e6


def _is_file_name(path: str) -> bool:
    return path.isprintable() and path != ".." and Path(path).name == path != ""


def _is_usable_cohort(cohort: CohortFile) -> bool:
    figures = abs(cohort.offset) <= 1 and 0 < cohort.scale <= 10 and abs(cohort.shape) < 0.5
    return figures and _is_file_name(cohort.path)


def _are_thresholds(variant: Variant) -> bool:
    try:
        rates = [float(rate) for rate in variant.thresholds]
    except ValueError:
        return False
    return all(0 <= rate <= 1 for rate in rates) and all(-1 <= cosine <= 1 for cosine in variant.thresholds.values())


def _same_template(landmarks: list[list[float]]) -> bool:
    if [len(point) for point in landmarks] != [2] * len(TEMPLATE):
        return False
    return all(
        abs(given - ours) < 0.01
        for pair, ours_pair in zip(landmarks, TEMPLATE.tolist(), strict=True)
        for given, ours in zip(pair, ours_pair, strict=True)
    )
