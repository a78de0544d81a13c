"""Each promise of SECURITY.md and PRIVACY.md names tests, and these exist."""

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SECTIONS = {"SECURITY.md": "## Promises", "PRIVACY.md": "## What holds these promises"}


def rows_of(page: str) -> list[str]:
    section = (REPOSITORY / page).read_text().split(SECTIONS[page])[1].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| promise")]


def functions_of(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", SECTIONS)
def test_every_promise_names_tests_that_exist(page: str) -> None:
    rows = rows_of(page)
    assert len(rows) > 10
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert named, row
        for file, function in named:
            assert function in functions_of(REPOSITORY / file), function
