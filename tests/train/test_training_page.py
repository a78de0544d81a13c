"""docs/training.md lists every setting with its default, and its example is a recipe."""

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from edgeface_train.recipe import Export, recipe_from
from edgeface_train.reference import SECTIONS, field_words, fresh, render

PAGE = Path(__file__).parents[2] / "docs" / "training.md"


def test_the_tables_of_the_page_are_fresh():
    page = PAGE.read_text(encoding="utf-8")
    assert page == fresh(page), "run `python -m edgeface_train.reference`"


def test_every_setting_of_every_section_is_there_with_its_default():
    text = render()
    for shape in SECTIONS.values():
        assert all(f"| `{each.name}` |" in text for each in fields(shape))
    assert '| `mining` | `"semi-hard"` |' in text
    assert "| `widths` | `[48, 96, 192]` |" in text


@pytest.mark.parametrize("shape", [shape for shape in SECTIONS.values() if shape is not Export])
def test_every_field_of_a_recipe_has_words_under_it(shape):
    assert [each.name for each in fields(shape) if not field_words(shape).get(each.name)] == []


def test_the_example_of_the_page_is_a_recipe():
    example = PAGE.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    recipe = recipe_from(tomllib.loads(example), source="the page")
    assert [stage.kind for stage in recipe.stage] == ["warmup", "in-batch", "rounds"]


def test_every_kind_of_stage_and_mining_is_explained():
    text = PAGE.read_text(encoding="utf-8").split("## Every setting")[0]
    kinds = ("warmup", "rounds", "distil", "margin", "in-batch")
    minings = ("semi-hard", "batch-hard", "batch-hard-soft", "distance-weighted")
    assert all(f"| `{name}` |" in text for name in (*kinds, *minings))
