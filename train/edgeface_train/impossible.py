"""Find what makes a recipe impossible to train, before any work."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeface_train.recipe import Data, Export, Recipe
    from edgeface_train.stage import Stage


def problems(recipe: "Recipe") -> Iterator[str]:
    """Yield what makes a recipe impossible to train, in words."""
    network = recipe.network
    dark, infrared = recipe.augment.dark, recipe.augment.infrared
    found = [
        (not recipe.stage, "it has no [[stage]]"),
        (len(network.widths) != len(network.depths), "network.widths and network.depths differ in length"),
        (
            network.input_size not in (112,),
            f"network.input_size is {network.input_size}, chips are 112 pixels",
        ),
        (
            network.norm == "folded" and not network.start,
            "network.norm folded needs network.start: without normalisations random weights do not keep activations in "
            "bounds",
        ),
        (bool(recipe.network.mean_with) and not recipe.network.start, "network.mean_with needs network.start"),
        (
            recipe.export.default_variant not in recipe.export.variants,
            "export.variants lacks the default variant",
        ),
        (
            len({stage.sub_centres for stage in recipe.stage if stage.weights()[2]}) > 1,
            "sub_centres differ between stages with a margin softmax, which share the centres: give all the same",
        ),
        (
            min(dark, infrared) < 0 or dark + infrared > 1,
            f"augment.dark is {dark} and augment.infrared {infrared}: give shares from 0, together 1 at most",
        ),
        *_export_problems(recipe.export),
    ]
    for place, stage in enumerate(recipe.stage):
        found += [(wrong, f"stage {place}: {reason}") for wrong, reason in _stage_problems(stage, recipe.data)]
    yield from (reason for wrong, reason in found if wrong)


def _export_problems(export: "Export") -> list[tuple[bool, str]]:
    low, loss = export.min_cosine_int8_low, export.max_tar_loss_int8
    return [
        (not -1 <= low <= 1, f"export.min_cosine_int8_low is {low}, no cosine: set it from -1 to 1"),
        (not 0 <= loss <= 1, f"export.max_tar_loss_int8 is {loss}, no share: set it from 0 to 1, such as 0.003"),
    ]


def _stage_problems(stage: "Stage", data: "Data") -> list[tuple[bool, str]]:
    people, chips = stage.people_per_batch, stage.chips_per_person
    return [
        (bool(stage.weights()[1]) and not data.teacher, "it distils but data.teacher is empty"),
        (stage.rare_repeats < 1, f"rare_repeats is {stage.rare_repeats}, under 1"),
        (stage.rare_repeats > 1 and not data.teacher, "only a teacher tells who is rare, and data.teacher is empty"),
        (stage.excess_weight < 0, f"excess_weight is {stage.excess_weight}, under 0"),
        (stage.excess_weight > 0 and stage.kind != "distil", "excess_weight is for stages of kind distil"),
        (stage.batch < 3 or stage.epochs < 1, "it has no epoch or no batch"),
        (
            stage.chips < 0 or stage.chips % max(1, stage.chips_a_step) > 0,
            f"chips is {stage.chips}, not a multiple of the {stage.chips_a_step} chips of a step",
        ),
        (not 0 <= stage.average < 1, f"average is {stage.average}, not from 0 to under 1"),
        (not 0 <= stage.hard_share <= 1, "hard_share is outside 0 to 1"),
        (not 0 <= stage.person_share <= 1, "person_share is outside 0 to 1"),
        (not 0 <= stage.blend_share < 1, f"blend_share is {stage.blend_share}, not from 0 to under 1"),
        (
            stage.blend_share > 0 and (stage.kind != "distil" or people > 0),
            "blend_share is for `distil` without people_per_batch: nobody knows who a blend is",
        ),
        (not 0 <= stage.unlabelled_share <= 1, f"unlabelled_share is {stage.unlabelled_share}, not from 0 to 1"),
        (stage.labelled_share < 0, "blend_share and unlabelled_share are more than 1 together: lower one of them"),
        (
            stage.unlabelled_share > 0 and (stage.kind != "distil" or people > 0),
            "unlabelled_share is for `distil` without people_per_batch: nobody knows who is on those chips",
        ),
        (
            stage.unlabelled_share > 0 and not data.unlabelled,
            "unlabelled_share is set but data.unlabelled is empty: name the folder of chips there",
        ),
        (not 0 < stage.margin < 4, "margin is outside 0 to 4"),
        (stage.sub_centres < 1, f"sub_centres is {stage.sub_centres}, under 1, which is one centre a person"),
        (
            not stage.weights()[2] and (stage.sub_centres > 1 or stage.softmax != "cosface"),
            "softmax and sub_centres are for a margin softmax: set margin_weight, in a stage on chips",
        ),
        (
            stage.softmax == "arcface" and not 0 <= stage.softmax_margin < math.pi / 2,
            f"softmax_margin is {stage.softmax_margin}, with arcface radians from 0 to under pi/2: give 0.5 or so",
        ),
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
