"""Tell a run as a table: a line a round, with what was mined and how far the network had come."""

from collections.abc import Iterable, Sequence
from typing import Any

HEADINGS = (
    "stage",
    "triplets mined",
    "loss",
    "non-easy training",
    "non-easy held out",
    "TAR@FAR=1e-2 held out",
)


def rows(entries: Iterable[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return a row for every measure of a run's log, after the triplets that were trained on before it."""
    made, triplets, loss, trained = [], 0, 0.0, ""
    for entry in entries:
        name = f"{entry['stage'] + 1} {entry['kind']}"
        if entry["event"] == "epoch":
            triplets, loss = entry["triplets"], entry["loss"]
            trained = f"{name}, round {entry['round'] + 1}" if entry["kind"] == "rounds" else name
        elif entry["event"] == "measure" and trained:
            shown = f"{triplets:,}" if triplets and "distil" not in trained else "-"
            figures = (
                f"{entry['non_easy_train']:.2%}",
                f"{entry['non_easy_held_out']:.2%}",
                f"{entry['tar_held_out']:.1%}",
            )
            made.append((trained, shown, f"{loss:.4f}", *figures))
            trained = ""
    return made


def table(entries: Iterable[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table, followed by the reason each stage of rounds ended."""
    entries = list(entries)
    lines = [_line(HEADINGS), _line(["---"] * len(HEADINGS)), *map(_line, rows(entries))]
    ends = [
        f"Stage {entry['stage'] + 1} ended after {entry['round']} rounds: {entry['reason']}."
        for entry in entries
        if entry["event"] == "end"
    ]
    return "\n".join([*lines, "", *ends]) if ends else "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
