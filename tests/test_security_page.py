"""Each promise of SECURITY.md names tests, and these exist."""

import ast
import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
ROWS = [
    line
    for line in (REPOSITORY / "SECURITY.md").read_text().split("## Promises")[1].split("## What")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| promise")
]


def functions_of(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_promise_names_tests_that_exist() -> None:
    assert len(ROWS) > 10
    for row in ROWS:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert named, row
        for file, function in named:
            assert function in functions_of(REPOSITORY / file), function
