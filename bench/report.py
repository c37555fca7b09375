"""Tables and figures from bench/results, for people: bench/RESULTS.md, and README's few rows.

python bench/report.py            prints what stands between the markers of bench/RESULTS.md
python bench/report.py --write    puts it there, and the rows into README.md
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine

RESULTS = machine.ROOT / "bench" / "results"
BEGIN = "<!-- measured: written by `python bench/report.py --write` -->"
END = "<!-- measured: end -->"
NOTHING = "Nothing has been measured yet: `python bench/compare.py` does it."

Document = dict[str, Any]
Row = dict[str, Any]

COLOURS = {
    "mundur": "tab:blue",
    "torch": "tab:orange",
    "jax": "tab:red",
    "keras": "tab:purple",
    "scikit-learn": "tab:green",
}
MARKERS = {"mundur": "o", "torch": "s", "jax": "D", "keras": "^", "scikit-learn": "v"}


def load(kind: str, results: Path = RESULTS) -> list[Document]:
    """All documents of one kind ("compare", "growth", "data", ...), in order of their names."""
    return [
        json.loads(p.read_text(encoding="utf-8")) for p in sorted(results.glob(f"{kind}_*.json"))
    ]


def pyplot() -> Any:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    return plt


# ---- comparison ----------------------------------------------------------------------------------
PEERS = {"torch": "PyTorch", "jax": "JAX", "keras": "Keras", "scikit-learn": "scikit-learn"}
DISTURBED = 0.1  # cores that others kept busy on average: more spoils a measurement
CLIFF = 2.0  # times what the neighbours predict: growth's defect
AHEAD = 1.2  # of the best peer: what mundur wants to be


def comparison_table(document: Document) -> str:
    """One row per workload and number of threads: the limit, mundur, each library's best mode."""
    libraries = [name for name in PEERS if any(r["library"] == name for r in document["results"])]
    heads = ["", "Threads", "Limit", "mundur", "Of limit", *(PEERS[name] for name in libraries)]
    lines = ["| " + " | ".join([*heads, "Best peer"]) + " |", "|---" + "|---:" * len(heads) + "|"]
    notes: list[str] = []
    for (workload, threads), rows in _groups(document):
        ours, limit = _best(rows, "mundur"), rows[0].get("limit")
        cells = [f"{workload}: {rows[0]['description']}", str(threads)]
        cells += [duration(limit), _with_spread(ours), _share(limit, ours)]
        cells += [_peer_cell(_best(rows, library), notes) for library in libraries]
        lines.append("| " + " | ".join([*cells, _ratio(_best_peer(rows), ours)]) + " |")
    lines += ["", _method(document)]
    lines += [f"[{number}] {note}." for number, note in enumerate(notes, 1)]
    lines += [f"Left out: {peer} ({reason})." for peer, reason in document["missing"].items()]
    lines += [
        f"Failed: {row['peer']} on {row['workload']}, threads {row['threads']} ({row['error']})."
        for row in document["results"]
        if "error" in row
    ]
    lines += disturbed(document["results"])
    return "\n".join(lines)


COMPARISONS = ("compare", "images", "cuda")
IN_README = ("W3", "W8", "W4", "W6")  # small, an epoch, large, a sequence


def summary_table(document: Document) -> str:
    """A few workloads on all cores, and each library's best time."""
    threads = max(row["threads"] for row in document["results"])
    rows = {workload: rows for (workload, n), rows in _groups(document) if n == threads}
    names = {"mundur": "mundur"} | PEERS
    lines = [
        f"| {' | '.join(['', *names.values(), 'Best peer'])} |",
        "|---" + "|---:" * (len(names) + 1) + "|",
    ]
    for workload in IN_README:
        if workload not in rows:
            continue
        best = {library: _best(rows[workload], library) for library in names}
        cells = [duration(None if row is None else row["median"]) for row in best.values()]
        cells.append(_ratio(_best_peer(rows[workload]), best["mundur"]))
        lines.append(f"| {' | '.join([rows[workload][0]['description'], *cells])} |")
    lines += [
        "",
        f"{machine.title(document['machine'])}, {threads} thread{'s' * (threads > 1)}; "
        f"{document['machine']['date']}.",
    ]
    return "\n".join(lines)


def disturbed(rows: list[Row]) -> list[str]:
    """A line if others kept the cores busy meanwhile."""
    most = max((row.get("cores_busy_by_others", 0.0) for row in rows), default=0.0)
    count = sum(row.get("cores_busy_by_others", 0.0) > DISTURBED for row in rows)
    if not count:
        return []
    return [f"Disturbed: {count} of {len(rows)}; other processes kept up to {most} cores busy."]


def not_ahead(document: Document) -> list[str]:
    """A line for each workload where a peer takes less than AHEAD times mundur's time."""
    lines = []
    for (workload, threads), rows in _groups(document):
        best, ours = _best_peer(rows), _best(rows, "mundur")
        if best and ours and best["median"] < AHEAD * ours["median"]:
            peer = f"{PEERS[best['library']]}, {best['mode']}"
            lines.append(f"{workload}, threads {threads}: {_ratio(best, ours)} ({peer})")
    return lines


def _groups(document: Document) -> list[tuple[tuple[str, int], list[Row]]]:
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in document["results"]:
        groups.setdefault((row["workload"], row["threads"]), []).append(row)
    return sorted(groups.items())


def _best(rows: list[Row], library: str) -> Row | None:
    own = [row for row in rows if row["library"] == library and "median" in row]
    return min(own, key=lambda row: float(row["median"]), default=None)


def _best_peer(rows: list[Row]) -> Row | None:
    """Of those that do the same work."""
    best = [_best([row for row in rows if not row["note"]], library) for library in PEERS]
    return min((row for row in best if row), key=lambda row: float(row["median"]), default=None)


def _peer_cell(row: Row | None, notes: list[str]) -> str:
    if row is None:
        return "-"
    text = duration(row["median"])
    if row["library"] != "scikit-learn":  # which has one
        text += f" ({row['mode']})"
    if row["note"]:
        if row["note"] not in notes:
            notes.append(row["note"])
        text += f" [{notes.index(row['note']) + 1}]"
    return text


def duration(microseconds: float | None) -> str:
    if microseconds is None:
        return "-"
    value = float(microseconds)
    for size, unit in ((1e6, "s"), (1e3, "ms"), (1, "µs")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e3:.3g} ns"


def quartiles(row: Row) -> tuple[float, float]:
    """Of the rounds; the median lies between them."""
    if len(row["rounds"]) < 2:
        return row["median"], row["median"]
    low, _, high = statistics.quantiles(row["rounds"], n=4, method="inclusive")
    return low, high


def _with_spread(row: Row | None) -> str:
    if row is None:
        return "-"
    low, high = quartiles(row)
    spread = (high - low) / 2 / float(row["median"])
    return f"{duration(row['median'])} ± {100 * spread:.1f}%"


def _share(limit: float | None, ours: Row | None) -> str:
    if limit is None or ours is None:
        return "-"
    share = 100 * limit / float(ours["median"])
    return f"{share:.0f}%" if share >= 1 else f"{share:.1g}%"


def _ratio(peer: Row | None, ours: Row | None) -> str:
    if peer is None or ours is None:
        return "-"
    return f"{float(peer['median']) / float(ours['median']):.3g}×"


def _method(document: Document) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in document["versions"].items())
    method = document["method"]
    peaks = [
        f"{one['flops_per_second'] / 1e9:.0f} GFLOP/s ({one['threads']})"
        for one in document.get("limits", [])
    ]
    limit = (
        " The limit is the floating-point operations over the measured peak, "
        f"{', '.join(peaks)}, or the parameters' bytes over the rate at which they can be read."
        if peaks
        else ""
    )
    return (
        f"Per training step (W8, W9: per epoch; predictions: per call), float32 where nothing else "
        f"is said, the median of {method['rounds']} interleaved rounds of "
        f"{method['seconds_per_measurement']} s, ± half of what lies between the quartiles; each "
        f"library in its best mode, × the best one's time over mundur's.{limit} "
        f"{machine.title(document['machine'])}; Python {document['machine']['python']}, "
        f"{versions}; {document['machine']['date']}."
    )


def comparison_name(document: Document) -> str:
    """Of its files in bench/results."""
    return f"{document.get('kind', 'compare')}_{machine.slug(document['machine'])}"


def comparison_part(document: Document) -> str:
    """The table, and its figure."""
    figure = f"{RESULTS.name}/{comparison_name(document)}.png"
    return f"{comparison_table(document)}\n\n![each library's time over mundur's]({figure})"


def draw_comparison(document: Document, path: Path) -> None:
    """Each library's best time over mundur's, from quartile to quartile, and the limit."""
    plt = pyplot()
    groups = [(key, rows, _best(rows, "mundur")) for key, rows in _groups(document)]
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.42 * len(groups)), layout="constrained")
    for offset, (library, name) in enumerate(({"mundur": "mundur"} | PEERS).items()):
        label: str | None = name
        for at, (_, rows, ours) in enumerate(groups):
            best = _best(rows, library)
            if not best or not ours:
                continue
            low, middle, high = (
                value / ours["median"]
                for value in sorted((*quartiles(best), float(best["median"])))
            )
            axes.errorbar(
                *(middle, at + (offset - 2) * 0.14),
                xerr=[[middle - low], [high - middle]],
                fmt=MARKERS[library],
                color=COLOURS[library],
                markersize=5,
                label=label,
            )
            label = None
    for at, (_, rows, ours) in enumerate(groups):
        if ours and "limit" in rows[0]:
            limit = rows[0]["limit"] / ours["median"]
            axes.vlines(limit, at - 0.4, at + 0.4, color="0.5", label="" if at else "limit")
    axes.set_yticks(
        range(len(groups)), [f"{w}, {t} thread{'s' * (t > 1)}" for (w, t), _, _ in groups]
    )
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(left=0.1)
    axes.grid(axis="x", color="0.9")
    axes.set_xlabel("time over mundur's, each library in its best mode")
    axes.set_title(machine.title(document["machine"]), fontsize=9)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)


# ---- footprint -----------------------------------------------------------------------------------
def footprint_table(document: Document) -> str:
    wheel = document.get("wheel_bytes")
    lines = ["| Wheel | Installed | `import mundur` over `import numpy` |", "|---:|---:|---:|"]
    size = f"{wheel / 1e6:.2f} MB" if wheel else "-"
    lines.append(
        f"| {size} | {document['installed_bytes'] / 1e6:.2f} MB "
        f"| {document['import_over_numpy_ms']:.1f} ms |"
    )
    lines += ["", f"{machine.title(document['machine'])}; {document['machine']['date']}."]
    return "\n".join(lines)


# ---- data and memory -----------------------------------------------------------------------------
def data_table(document: Document) -> str:
    """W8's epoch from each kind of input, and the share of what is done with it."""
    lines = [
        "| W8's epoch from | Threads | Time | Over float32 | Shuffle, gather, convert |",
        "|---|---:|---:|---:|---:|",
    ]
    for result in document["results"]:
        lines += [
            f"| {case['name']} | {result['threads']} | {duration(1e3 * case['median_ms'])} "
            f"| {case['over_float32']:.2f}× | {100 * case['input_share']:.1f}% |"
            for case in result["cases"]
        ]
    lines += [
        "",
        f"Medians of {document['method']['rounds']} interleaved rounds. "
        f"{machine.title(document['machine'])}; {document['machine']['date']}.",
    ]
    lines += disturbed([case for result in document["results"] for case in result["cases"]])
    return "\n".join(lines)


def memory_table(document: Document) -> str:
    """The resident set's growth while W8 is trained on bytes, beside its bound."""
    lines = [
        "| W8 on uint8 data, threads | Growth of memory | Parameters, gradients, state | Workspace "
        "| Bound |",
        "|---:|---:|---:|---:|---:|",
    ]
    for result in document["results"]:
        kept = result["parameters_bytes"] + result["gradients_bytes"] + result["state_bytes"]
        bound = kept + result["workspace_bytes"] + result["allowance_bytes"]
        sizes = (result["growth_bytes"], kept, result["workspace_bytes"], bound)
        cells = [f"{size / 1e6:.1f} MB" for size in sizes]
        if sizes[0] > bound:
            cells[0] += " (over)"
        lines.append(f"| {result['threads']} | {' | '.join(cells)} |")
    lines += ["", f"{machine.title(document['machine'])}; {document['machine']['date']}."]
    return "\n".join(lines)


# ---- growth --------------------------------------------------------------------------------------
def growth_name(document: Document) -> str:
    """Of its files in bench/results."""
    network = document["method"].get("network", "dense")
    parts = ["growth", *([] if network == "dense" else [network])]
    return "_".join([*parts, machine.slug(document["machine"])])


def growth_part(document: Document) -> str:
    """A figure, and the cliffs in words."""
    found = [f"{sweep} {cliff}" for sweep, all_ in document["cliffs"].items() for cliff in all_]
    sweeps = list(document["cliffs"])
    against = " and ".join(filter(None, [", ".join(sweeps[:-1]), sweeps[-1]]))
    figure = f"{RESULTS.name}/{growth_name(document)}.png"
    text = f"No cliff: no step costs {CLIFF:.3g} times what its neighbours predict."
    if found:
        text = f"Cliffs: {'; '.join(found)}."
    lines = [f"![time per step against {against}]({figure})", ""]
    lines += [f"{document['method']['base']}. {text}"]
    return "\n".join(lines + _distances(document) + disturbed(document["results"]))


def _distances(document: Document) -> list[str]:
    """How far ahead of each library mundur is where least, and where most."""
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in document["results"]:
        groups.setdefault((row["sweep"], row["value"]), []).append(row)
    lines = []
    for library, name in PEERS.items():
        times = {
            f"{sweep} {value:,}": peer["median"] / ours["median"]
            for (sweep, value), rows in groups.items()
            if (peer := _best(rows, library)) and (ours := _best(rows, "mundur"))
        }
        if times:
            ends = [
                f"{times[at]:.3g}× ({at})"
                for at in (min(times, key=times.__getitem__), max(times, key=times.__getitem__))
            ]
            lines.append(f"{name} takes {' to '.join(ends)} mundur's time.")
    return lines


# ---- pages ---------------------------------------------------------------------------------------
def everything() -> str:
    """What is known, for people who want to know it."""
    parts = [comparison_part(document) for kind in COMPARISONS for document in load(kind)]
    parts += [growth_part(document) for document in load("growth")]
    parts += [data_table(document) for document in load("data")]
    parts += [memory_table(document) for document in load("memory")]
    parts += [footprint_table(document) for document in load("footprint")]
    return "\n\n".join(parts or [NOTHING])


def summary() -> str:
    """The latest comparison in a few rows."""
    documents = sorted(load("compare"), key=lambda document: str(document["machine"]["date"]))
    return summary_table(documents[-1]) if documents else NOTHING


# What stands between the markers of each page.
PAGES: dict[Path, Callable[[], str]] = {
    machine.ROOT / "bench" / "RESULTS.md": everything,
    machine.ROOT / "README.md": summary,
}


def replaced(page: Path) -> str:
    """A page's text with the part between its markers made anew."""
    text = page.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise SystemExit(f"{page} must hold each marker once: {BEGIN} and {END}")
    before, rest = text.split(BEGIN)
    return "\n\n".join([before + BEGIN, PAGES[page](), END + rest.split(END)[1]])


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    if not parser.parse_args().write:
        print(everything())
        return
    for page in PAGES:
        page.write_text(replaced(page), encoding="utf-8")


if __name__ == "__main__":
    main()
