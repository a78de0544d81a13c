"""The rules of the house that a program can check."""

import ast
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "edgeface"
MODULES = sorted(PACKAGE.rglob("*.py"))
CORE_MAY_IMPORT = {"numpy", "edgeface.core", "edgeface.errors"}
OF_THE_DEVICE = {"numpy", "cv2", "PIL", "ai_edge_litert", "tflite_runtime"}
OF_THE_TRAINER = {"tensorflow", "keras", "jax", "matplotlib", "edgeface_train"}


def imports_of(path):
    """Return the modules that a file imports, inside of functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def loaded_by(code):
    """Run code in a fresh Python and return the names of the modules that it leaves loaded."""
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_imports_keep_to_the_layers():
    lint = pytest.importorskip("importlinter.cli", reason="import-linter belongs to the dev extra")
    assert lint.lint_imports(str(REPOSITORY / "pyproject.toml"), no_cache=True, no_logo=True) == 0
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.disabled = False  # import-linter's own logging has silenced those of edgeface


@pytest.mark.parametrize("path", sorted((PACKAGE / "core").glob("*.py")), ids=lambda path: path.stem)
def test_the_core_imports_nothing_but_numpy_and_the_standard_library(path):
    foreign = {
        name
        for name in imports_of(path)
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not any(name == allowed or name.startswith(f"{allowed}.") for allowed in CORE_MAY_IMPORT)
    }
    assert foreign == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_module_opens_with_a_sentence(path):
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring and docstring.splitlines()[0].endswith((".", ":"))


def test_only_the_command_line_reads_the_environment():
    reading = re.compile(r"getenv|environ\b(?!\.setdefault)")
    readers = {path.relative_to(PACKAGE).parts[0] for path in MODULES if reading.search(path.read_text())}
    assert readers <= {"cli"}


def test_help_loads_neither_numpy_nor_opencv_nor_tensorflow():
    loaded = loaded_by("from edgeface.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass")
    assert "edgeface" in loaded
    assert loaded & (OF_THE_DEVICE | OF_THE_TRAINER) == set()


def test_asking_a_daemon_loads_neither_numpy_nor_opencv():
    modules = "edgeface.cli.main, edgeface.drivers.control_client, edgeface.drivers.durable"
    assert loaded_by(f"import {modules}") & (OF_THE_DEVICE | OF_THE_TRAINER) == set()


def test_nothing_that_run_needs_loads_tensorflow():
    modules = "edgeface.cli.main, edgeface.wiring, edgeface.app.run, edgeface.drivers.sinks.json_lines"
    loaded = loaded_by(f"import {modules}")
    assert "cv2" in loaded
    assert loaded & OF_THE_TRAINER == set()


def test_a_watch_of_a_live_camera_loads_neither_pillow_nor_pydantic():
    command = "try: main(['config'])\nexcept SystemExit: pass"
    loaded = loaded_by(f"import edgeface.wiring\nfrom edgeface.cli.main import main\n{command}")
    assert loaded & {"PIL", "pydantic"} == set()
