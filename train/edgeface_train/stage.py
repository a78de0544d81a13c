"""One stage of a recipe: what is trained on, by which losses, how long."""

from dataclasses import dataclass, field
from typing import Any, Literal

SOFTMAX_MARGINS = {"cosface": 0.35, "arcface": 0.5}
"""The margin of each softmax where a stage gives none, as in the papers: of the cosine, and of the angle in radians."""
UNSAID: Any = None
"""Of a setting that another one decides; no stage keeps it."""


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
    chips: int = 0
    """End the stage after exactly so many chips shown, whatever `epochs` and the stop rule say; 0: no such budget."""
    triplets: int = 100
    """Random ones of a `warmup`; mined ones, at most, of each round."""
    batch: int = 96
    """Chips a step: three a triplet."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """`muon` learns more from each step on kernels that mix channels; the rest is left to AdamW."""
    learning_rate: float = 1e-3
    """Of the optimiser, after the warm-up steps."""
    final_learning_rate: float = 0.0
    """Reached by a cosine over the stage (over each round, in `rounds`); 0: constant."""
    warmup_steps: int = 0
    """Steps in which the rate rises from 0."""
    weight_decay: float = 0.0
    """Decoupled (AdamW); of kernels and of the softmax's centres, not of scales, shifts and biases."""
    average: float = 0.0
    """Decay a step of a moving average of the weights, such as 0.999, which the stage ends with; 0: no average."""
    margin: float = 0.2
    """Of squared Euclidean distance between unit vectors."""
    hard_share: float = 0.5
    """Of the mined triplets, at most so many are hard, the rest semi-hard."""
    negatives: Literal["mined", "batch"] = "mined"
    """`mined`: a pair meets the negative that it was mined with; `batch`: also every chip of others in the batch."""
    max_rounds: int = 30
    """End `rounds` after so many, whatever the stop rule says."""
    triplet_weight: float = 1.0
    """Of the triplet loss, in `warmup`, `rounds` and `in-batch`."""
    distil_weight: float = 0.0
    """Of one minus the cosine to the teacher's vector; 1 where a `distil` stage says nothing."""
    person_share: float = 0.0
    """Of the teacher's vector to learn, the share that is the mean over the chip's person: from 0 to 1, what changes
    between photographs of a person counts less."""
    blend_share: float = 0.0
    """Of the chips of a `distil` stage, the share that are blends of two people, from the file of the teacher."""
    unlabelled_share: float = 0.0
    """Of the chips of a `distil` stage, the share that are of `data.unlabelled`, learnt from the teacher alone; with
    `blend_share` at most 1, when an epoch is all of them and no photograph of `data.train`."""
    margin_weight: float = 0.0
    """Of the margin softmax, in stages on chips; 1 where a `margin` stage says nothing."""
    softmax: Literal["cosface", "arcface"] = "cosface"
    """What must lead in the margin softmax: `cosface`, the cosine to the own centre; `arcface`, the angle to it, so
    that the lead is as wide wherever a chip is."""
    scale: float = 32.0
    """Of the cosines in the margin softmax (s in both papers)."""
    softmax_margin: float = field(default=UNSAID, metadata={"default": "`0.35`; with `arcface` `0.5`"})
    """By which the own centre must lead (m in both papers): with `cosface` of the cosine, with `arcface` of the angle,
    in radians."""
    sub_centres: int = 1
    """Centres of a person in the margin softmax, of which the nearest to a chip counts (K in Sub-center ArcFace): for
    sets with wrong labels, which gather at a centre of their own. Alike in all stages with a softmax; K of them take K
    times the memory of one."""
    excess_weight: float = 0.0
    """Of the squares of what two people's cosine is above the teacher's by more than 0.1, in a `distil` stage."""
    per_person: int = 0
    """Chips of a person shown in an epoch of a stage on chips, other ones each time; 0: all."""
    rare_repeats: int = 1
    """How often an epoch shows each drawn chip of the quarter of people who have fewest like them by the teacher's
    vectors; without `people_per_batch`."""
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
    """When `rounds` have learnt enough; `stop = { at_most = 0.02 }`."""

    def __post_init__(self) -> None:
        """Fill in the margin that belongs to the softmax."""
        if self.softmax_margin is UNSAID:
            object.__setattr__(self, "softmax_margin", SOFTMAX_MARGINS[self.softmax])

    @property
    def on_chips(self) -> bool:
        """Whether it trains on single chips rather than on triplets."""
        return self.kind in ("distil", "margin", "in-batch")

    @property
    def labelled_share(self) -> float:
        """Share of the chips that are photographs of known people; 0 where rounding alone leaves more or less."""
        share = 1 - self.blend_share - self.unlabelled_share
        return share if abs(share) > 1e-9 else 0.0

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
