"""Tell a run: an entry as a line, the whole as a table with what was mined and how far the network had come."""

from collections.abc import Callable, Iterable, Sequence
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
            shown = f"{triplets:,}" if triplets and entry["kind"] in ("warmup", "rounds") else "-"
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


def describe(entry: dict[str, Any]) -> str:
    """Return a log entry as one line for a person."""
    where = f"stage {entry['stage'] + 1} {entry['kind']}" + (
        f" round {entry['round'] + 1}" if entry["kind"] == "rounds" else ""
    )
    texts: dict[str, Callable[[], str]] = {
        "begin": lambda: f"begins from {entry['source']}",
        "epoch": lambda: f"epoch {entry['epoch'] + 1}: loss {entry['loss']:.4f}, {entry['images_per_s']:.0f} images/s",
        "mine": lambda: f"{entry['triplets']} triplets mined, {entry['hard_share']:.0%} hard",
        "measure": lambda: (
            f"non-easy {entry['non_easy_train']:.2%} training, {entry['non_easy_held_out']:.2%} held out; "
            f"TAR@FAR=1e-2 {entry['tar_held_out']:.1%}"
        ),
        "end": lambda: f"stops: {entry['reason']}",
    }
    return f"{where}: {texts[entry['event']]()}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
