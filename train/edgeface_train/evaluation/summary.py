"""Put the chief figures of a report into a short table, and rates into words."""

from collections.abc import Callable

from edgeface_train.evaluation.results import Estimate, Report, Result


def table(report: Report) -> str:
    """Return the chief figures as a Markdown table, a column a network."""
    rows = _rows(report)
    names = [result.name for result in report.results]
    lines = [["figure", *names], ["---"] * (1 + len(names)), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rows(report: Report) -> list[list[str]]:
    """Return a row of text a figure, for the networks side by side."""
    results = report.results
    first = results[0]
    rows: list[list[str]] = []

    def add(name: str, cell: Callable[[Result], str]) -> None:
        rows.append([name, *(cell(result) for result in results)])

    if first.folds:
        add("accuracy on the pairs, ten folds ± standard error", folds)
    for place, at in enumerate(first.operating):
        add(f"TAR at FAR {at.far:g}", lambda result, place=place: with_interval(result.operating[place].tar))
    add("equal error rate", lambda result: with_interval(result.equal_error))
    for place, search in enumerate(first.searches):
        if search.fpir == 0.01:
            add(
                f"FNIR at FPIR 1 %, {search.enrolled} people from {search.looks} each",
                lambda result, place=place: with_interval(result.searches[place].fnir),
            )
    margins = next((result.non_easy for result in results if result.non_easy), [])
    for place, row in enumerate(margins):
        add(
            f"random triplets not easy at margin {row.margin:g}",
            lambda result, place=place: percent(result.non_easy[place].share.value) if result.non_easy else "-",
        )
    add("file, MB", megabytes)
    add("CPU ms a face", lambda result: f"{result.cpu_ms:.1f}")
    return rows


def folds(result: Result) -> str:
    """Return the accuracy in ten folds and its standard error."""
    return f"{percent(result.folds.accuracy, 2)} ± {100 * result.folds.standard_error:.2f}" if result.folds else "-"


def megabytes(result: Result) -> str:
    """Return the size of a network's file."""
    return f"{result.bytes / 1e6:.2f}" if result.bytes else "-"


def percent(rate: float, decimals: int = 2) -> str:
    """Return a rate in per cent."""
    return f"{100 * rate:.{decimals}f} %"


def with_interval(estimate: Estimate | None, decimals: int = 1) -> str:
    """Return a rate in per cent with its interval."""
    if estimate is None:
        return "-"
    low, high = (f"{100 * bound:.{decimals}f}" for bound in (estimate.low, estimate.high))
    return f"{100 * estimate.value:.{decimals}f} % ({low} to {high})"
