"""Hold a report against an earlier one, so that a build can refuse a model that has become worse."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeface.errors import ConfigError, FellBehind
from edgeface_train.evaluation.results import FORMAT, Report, headline

ROUNDING = 2e-4
"""Percentage points; the figures of report.json have six decimals."""


def read_report(path: Path) -> dict[str, Any]:
    """Read an earlier report.json. Raise ConfigError when it is none, or one of another format."""
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != FORMAT:
            raise ConfigError(f"report {path} has format {content['format']}, this edgeface compares {FORMAT}")
        for result in content["results"]:
            dict[str, float](result["headline"])
        return {"results": content["results"], "digests": dict(content["digests"])}
    except OSError as error:
        raise ConfigError(f"report {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(
            f"report {path} cannot be understood: {error}", hint="give a report.json that `evaluate people` wrote"
        ) from error


def check_comparable(digests: dict[str, str], names: Sequence[str], old: dict[str, Any], path: Path) -> None:
    """Raise ConfigError unless the old report asked the same of a network of one of these names."""
    for part, digest in digests.items():
        if old["digests"].get(part) != digest:
            raise ConfigError(
                f"report {path} was measured on other {part} than these",
                hint="measure both with the same CHIPS, --pairs, --oneshot and --seed",
            )
    before = {result["name"] for result in old["results"]}
    if before.isdisjoint(names):
        raise ConfigError(
            f"report {path} has {', '.join(sorted(before)) or 'no network'}, none of {', '.join(sorted(names))}",
            hint="choose with --variants what the old report has",
        )


def refuse_a_fall(report: Report, old: dict[str, Any], path: Path, points: float) -> None:
    """Raise FellBehind when a headline figure is more than `points` percentage points under the old one.

    Networks are compared by name; those that stand in one report only are not.
    """
    before = {result["name"]: result["headline"] for result in old["results"]}
    falls = []
    for result in report.results:
        now = headline(result)
        for figure, value in before.get(result.name, {}).items():
            if figure in now and 100 * (value - now[figure]) > points + ROUNDING:
                falls.append(f"{result.name} {figure} from {value:.2%} to {now[figure]:.2%}")
    if falls:
        raise FellBehind(
            f"more than {points:g} points under {path}: {'; '.join(falls)}",
            hint="train on, or raise --max-drop if the fall is meant",
        )
