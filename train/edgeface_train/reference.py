"""Write the tables of docs/training.md from the recipe's dataclasses: `python -m edgeface_train.reference`.

It rewrites what stands between the marks of the page, each setting with its default and the words under its field.
"""

import ast
import inspect
import json
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from edgeface_train.recipe import Augment, Data, Export, Network, Recipe
from edgeface_train.stage import Stage, Stop

PAGE = Path("docs/training.md")
BEGIN, END = "<!-- settings -->\n", "<!-- end of settings -->\n"
SECTIONS = {
    "At the top of the file": Recipe,
    "`[data]`": Data,
    "`[network]`": Network,
    "`[augment]`": Augment,
    "`[[stage]]`": Stage,
    "`stop` of a stage": Stop,
    "`[export]`": Export,
}


def render() -> str:
    """Return the tables of all sections, in Markdown."""
    return "\n".join(f"### {title}\n\n{table(shape)}" for title, shape in SECTIONS.items())


def table(shape: type) -> str:
    """Return a dataclass as a table: setting, default, meaning."""
    words, hints = field_words(shape), get_type_hints(shape)
    rows = [
        f"| `{each.name}` | {_default(each)} | {_meaning(words.get(each.name, ''), hints[each.name])} |\n"
        for each in fields(shape)  # pyright: ignore[reportArgumentType] (all shapes are dataclasses)
    ]
    return "| setting | default | meaning |\n|---|---|---|\n" + "".join(rows)


def field_words(shape: type) -> dict[str, str]:
    """Return what stands under each field of a dataclass, by the field's name."""
    return dict(_documented(inspect.getsource(shape)))


def fresh(page: str) -> str:
    """Return a page with the tables between its marks made anew."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{render()}\n{END}{tail}"


def _documented(source: str) -> Iterator[tuple[str, str]]:
    definition = ast.parse(source).body[0]
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for statement, following in pairwise(body):
        words = following.value if isinstance(following, ast.Expr) else None
        if isinstance(statement, ast.AnnAssign) and isinstance(words, ast.Constant) and isinstance(words.value, str):
            yield ast.unparse(statement.target), " ".join(words.value.split())


def _default(each: Field) -> str:
    if "default" in each.metadata:
        return each.metadata["default"]
    if each.default is not MISSING:
        return f"`{json.dumps(each.default)}`"
    if each.default_factory is MISSING:
        return "must be given"
    made = each.default_factory()
    return f"`{json.dumps(made)}`" if isinstance(made, list) else "its own table"


def _meaning(words: str, hint: Any) -> str:
    unnamed = [choice for choice in get_args(hint) if get_origin(hint) is Literal and f"`{choice}`" not in words]
    choices = f" One of {', '.join(f'`{choice}`' for choice in get_args(hint))}." if unnamed else ""
    return (words + choices).strip().replace("|", "\\|")


def main() -> None:
    """Rewrite the page in the present folder."""
    PAGE.write_text(fresh(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
