"""What the bench finds out, as plain nouns that become report.json, and the few figures that sum it up."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

FORMAT = 1
DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate, 0 to 1, and its 95 % confidence interval over people."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Folds:
    """Accuracy on a list of pairs by the ten-fold protocol."""

    pairs: int
    accuracy: float
    standard_error: float
    """Over the folds."""


@dataclass(frozen=True, slots=True)
class Operating:
    """What a threshold does on all pairs."""

    far: float
    """The rate asked for."""
    threshold: float
    tar: Estimate


@dataclass(frozen=True, slots=True)
class Promise:
    """A threshold of the card, and the false-accept rate it has on these people."""

    far: float
    """The rate that the card names."""
    threshold: float
    realised: Estimate
    tar: float


@dataclass(frozen=True, slots=True)
class Curve:
    """TAR against FAR, from the strictest threshold to the loosest; lists of one length."""

    far: list[float]
    tar: list[float]
    low: list[float]
    high: list[float]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Similarities of genuine and impostor pairs, each as shares that add up to 1."""

    edges: list[float]
    """One more than there are shares."""
    genuine: list[float]
    impostor: list[float]


@dataclass(frozen=True, slots=True)
class Search:
    """Identification of people enrolled from a few chips among strangers, over several galleries."""

    enrolled: int
    """People in a gallery."""
    looks: int
    """Chips enrolled of each."""
    fpir: float
    galleries: int
    mated: int
    """Searches of enrolled people in all galleries together."""
    nonmated: int
    fnir: Estimate
    """The mean over the galleries."""
    spread: float
    """Standard deviation over the galleries; 0 when there is one."""


@dataclass(frozen=True, slots=True)
class NonEasy:
    """The share of random triplets that a margin does not separate."""

    margin: float
    share: Estimate


@dataclass(frozen=True, slots=True)
class Slice:
    """Pairs whose poorer chip lies in one third of a condition, at the one threshold of all pairs.

    Of a manifest's words, pairs of which both chips have one word.
    """

    condition: str
    chips: str
    """Which third of the chips, and its bounds; or the word."""
    genuine: int
    impostor: int
    fnmr: Estimate | None
    """None without a genuine pair or, of a manifest's slices, with those of few people."""
    fmr: Estimate | None


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How near a variant is to the most precise one measured, and whether their thresholds may be exchanged."""

    reference: str
    median_cosine: float
    p01_cosine: float
    """The first percentile."""
    tar_change: float
    """TAR at FAR 1e-3 less that of the reference, each at its own threshold."""
    far_at_reference_threshold: float
    """Its own false-accept rate at the reference's threshold for 1e-3."""
    tar_at_reference_threshold: float


@dataclass(frozen=True, slots=True)
class Result:
    """Everything measured on one network."""

    name: str
    """The variant, or a peer's name."""
    model: str
    """SHA-256 of the model file; empty for a peer."""
    size: int
    """Numbers in an embedding."""
    bytes: int | None
    cpu_ms: float
    """CPU time of a face, median, all threads added up; OpenCV and the runtime have one."""
    folds: Folds | None
    operating: list[Operating]
    equal_error: Estimate
    searches: list[Search]
    non_easy: list[NonEasy]
    slices: list[Slice]
    promises: list[Promise]
    fidelity: Fidelity | None
    curve: Curve
    histogram: Histogram


@dataclass(frozen=True, slots=True)
class Report:
    """The results of several networks on the same chips, pairs and galleries."""

    chips: int
    people: int
    genuine: int
    """Pairs of chips of one person."""
    impostor: int
    seed: int
    resamples: int
    """How often the people were resampled for the intervals."""
    digests: dict[str, str]
    """Of the chips, the list of pairs and the galleries: reports with other ones cannot be compared."""
    omitted: list[str]
    """What was not measured, and why."""
    results: list[Result]
    format: int = field(default=FORMAT)

    def as_json(self) -> dict[str, Any]:
        """Return the report with rounded numbers and, for each network, its headline figures."""
        content = rounded(asdict(self))
        for result, row in zip(self.results, content["results"], strict=True):
            row["headline"] = rounded(headline(result))
        return content

    def for_card(self, variants: Collection[str]) -> dict[str, Any]:
        """Return what a bundle's card tells of its variants: on whom, headline figures, FNIR, non-easy and slices."""
        kept = ("headline", "operating", "searches", "non_easy", "slices")
        content = self.as_json()
        return {
            **{key: content[key] for key in ("people", "chips", "genuine", "impostor", "digests")},
            "variants": {
                row["name"]: {key: row[key] for key in kept} for row in content["results"] if row["name"] in variants
            },
        }

    def to_text(self) -> str:
        """Return the JSON of report.json."""
        return json.dumps(self.as_json(), indent=1, ensure_ascii=False) + "\n"


def headline(result: Result) -> dict[str, float]:
    """Return the figures a network is judged by, 0 to 1, bigger is better.

    Ten-fold accuracy, TAR at the rates that many pairs support, and how many enrolled people are found (1 less
    FNIR) from one chip each at an FPIR of 1 %.
    """
    figures = {"pairs_accuracy": result.folds.accuracy} if result.folds else {}
    figures |= {f"tar_at_far_{at.far:g}": at.tar.value for at in result.operating if at.far >= 1e-3}
    figures |= {
        f"found_of_{search.enrolled}_at_fpir_{search.fpir:g}": 1 - search.fnir.value
        for search in result.searches
        if search.looks == 1 and search.fpir == 0.01
    }
    return figures


def rounded(content: Any) -> Any:
    """Return nested lists and dicts with every float rounded to six decimals."""
    if isinstance(content, dict):
        return {key: rounded(value) for key, value in content.items()}
    if isinstance(content, list):
        return [rounded(value) for value in content]
    return round(content, DECIMALS) if isinstance(content, float) else content
