"""Write a report as report.json, and as one page with its tables and pictures."""

from pathlib import Path

from edgeface_train.evaluation import plots
from edgeface_train.evaluation.columns import MANIFEST
from edgeface_train.evaluation.results import Report
from edgeface_train.evaluation.summary import folds, megabytes, percent, with_interval
from edgeface_train.page import Section, Table, write_page

HTML, JSON = "report.html", "report.json"


def write_report(report: Report, folder: Path, title: str) -> None:
    """Write report.json and report.html into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JSON).write_text(report.to_text(), encoding="utf-8")
    lead = [
        f"{report.chips:,} chips of {report.people:,} people: {report.genuine:,} genuine and {report.impostor:,} "
        f"impostor pairs. Intervals are 95 %, from drawing the people anew {report.resamples} times.",
        *(f"Not measured: {reason}." for reason in report.omitted),
    ]
    made = [_networks, _verification, _identification, _triplets, _slices, _fidelity, _promises]
    sections = [section(report) for section in made]
    write_page(folder / HTML, title, [section for section in sections if section], lead=lead)


def _networks(report: Report) -> Section:
    text = [
        "CPU time of one face on one thread, on the machine that made this report; pictures are decoded already.",
    ]
    rows = [
        [result.name, megabytes(result), f"{result.cpu_ms:.1f}", str(result.size), result.model[:12] or "-"]
        for result in report.results
    ]
    return Section(
        "Networks", text, [Table(["network", "file, MB", "CPU ms a face", "numbers in an embedding", "SHA-256"], rows)]
    )


def _verification(report: Report) -> Section:
    thin = [far for far in (1e-2, 1e-3, 1e-4) if far * report.impostor < 1000]
    text = [
        "Every pair of chips is compared once. TAR is the share of pairs of one person that is accepted at the "
        "threshold which accepts FAR of the pairs of two people; at the equal error rate both errors are as frequent.",
        f"A rate of 1e-4 rests on {1e-4 * report.impostor:.0f} accepted pairs, and these come from few people who "
        "resemble each other: read it with its interval.",
    ]
    if thin:
        text.append(f"Under 1,000 accepted pairs, so rough: {', '.join(f'FAR {far:g}' for far in thin)}.")
    header = ["network", "ten folds", *(f"TAR at FAR {at.far:g}" for at in report.results[0].operating), "EER"]
    rows = [
        [
            result.name,
            folds(result),
            *(with_interval(at.tar) for at in result.operating),
            with_interval(result.equal_error),
        ]
        for result in report.results
    ]
    pictures = [plots.draw_det(report), plots.draw_roc(report), plots.draw_histograms(report)]
    return Section("Verification: is this the same person?", text, [Table(header, rows)], pictures)


def _identification(report: Report) -> Section | None:
    first = report.results[0].searches
    if not first:
        return None
    text = [
        "Some people are enrolled from a few chips each, and every other chip is searched for. FPIR is the share of "
        "chips of strangers who are taken for somebody; FNIR the share of chips of enrolled people who are not "
        "found, or found as somebody else. The threshold is set anew in each gallery. The interval is over people; "
        "± is the standard deviation over the galleries.",
        "Only people with more chips than are enrolled can be: where these are few, the galleries show the same faces, "
        "and their spread says little.",
    ]
    header = ["people enrolled", "chips each", "FPIR", "galleries", "mated", "non-mated"]
    header += [f"FNIR, {result.name}" for result in report.results]
    rows = []
    for place, search in enumerate(first):
        found = [result.searches[place] for result in report.results]
        cells = [f"{with_interval(each.fnir)} ± {100 * each.spread:.1f}" for each in found]
        counts = [search.galleries, search.mated, search.nonmated]
        rows.append(
            [str(search.enrolled), str(search.looks), f"{100 * search.fpir:g} %", *(f"{n:,}" for n in counts), *cells]
        )
    pictures = [plots.draw_searches(report, fpir) for fpir in sorted({search.fpir for search in first}, reverse=True)]
    return Section("Open-set search: who is this, if anybody?", text, [Table(header, rows)], pictures)


def _triplets(report: Report) -> Section | None:
    measured = [result for result in report.results if result.non_easy]
    if not measured:
        return None
    text = ["The share of random triplets that are semi-hard or hard, which is what training would still work on."]
    header = ["network", *(f"margin {row.margin:g}" for row in measured[0].non_easy)]
    rows = [[result.name, *(with_interval(row.share, 2) for row in result.non_easy)] for result in measured]
    return Section("Triplets", text, [Table(header, rows)])


def _slices(report: Report) -> Section:
    text = [
        "Chips are put into thirds of equal number by each condition; a pair belongs to the third of its poorer chip. "
        "One threshold, that of FAR 1e-3 over all pairs, serves all slices: FNMR is the share of pairs of one person "
        "that it refuses, FMR the share of pairs of two people that it accepts. Conditions go together - a coarse "
        "chip is a blurred one - so the slices do not add up to causes.",
    ]
    if any(piece.condition.startswith(MANIFEST) for piece in report.results[0].slices):
        text.append(
            "The manifest says the rest. A pair is in the slice of the word that both of its chips have; chips of "
            "which nothing is said are in none. Numbers are cut into thirds, and the chip with the smaller one "
            "decides. A rate that would rest on too few people is left out."
        )
    header = ["condition", "poorer chip", "genuine", "impostor"]
    header += [f"{rate}, {result.name}" for result in report.results for rate in ("FNMR", "FMR")]
    rows = []
    for place, piece in enumerate(report.results[0].slices):
        cells = []
        for result in report.results:
            here = result.slices[place]
            cells += [with_interval(here.fnmr), with_interval(here.fmr, 3)]
        rows.append([piece.condition, piece.chips, f"{piece.genuine:,}", f"{piece.impostor:,}", *cells])
    return Section("Slices: where it fails", text, [Table(header, rows)], [plots.draw_slices(report)])


def _fidelity(report: Report) -> Section | None:
    rows = [
        [
            result.name,
            at.reference,
            f"{at.median_cosine:.4f}",
            f"{at.p01_cosine:.4f}",
            f"{100 * at.tar_change:+.2f} points",
            percent(at.far_at_reference_threshold, 3),
            percent(at.tar_at_reference_threshold),
        ]
        for result in report.results
        if (at := result.fidelity)
    ]
    if not rows:
        return None
    text = ["Cosine between both vectors of the same chip, and what the threshold of one file does on the other."]
    header = ["variant", "against", "median", "1st percentile", "TAR at FAR 1e-3"]
    header += ["FAR at the other's threshold", "TAR there"]
    return Section("Fidelity of the variants", text, [Table(header, rows)])


def _promises(report: Report) -> Section | None:
    rows = [
        [result.name, f"{at.far:g}", f"{at.threshold:.4f}", with_interval(at.realised, 3), percent(at.tar)]
        for result in report.results
        for at in result.promises
    ]
    if not rows:
        return None
    text = ["The false-accept rate that the thresholds written on the card have on these people."]
    return Section(
        "The card's thresholds", text, [Table(["variant", "FAR on the card", "threshold", "FAR here", "TAR"], rows)]
    )
