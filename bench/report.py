"""Tables and figures from bench/results, for people; the part of README that shows numbers.

python bench/report.py                   prints README's part
python bench/report.py --write-readme    puts it into README.md, between its markers
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import machine

RESULTS = machine.ROOT / "bench" / "results"
README = machine.ROOT / "README.md"
BEGIN = "<!-- measured: written by `python bench/report.py --write-readme` -->"
END = "<!-- measured: end -->"

Document = dict[str, Any]
Row = dict[str, Any]


def load(kind: str, results: Path = RESULTS) -> list[Document]:
    """All documents of one kind ("compare", "footprint"), in order of their names."""
    return [
        json.loads(p.read_text(encoding="utf-8")) for p in sorted(results.glob(f"{kind}_*.json"))
    ]


# ---- comparison ----------------------------------------------------------------------------------
def comparison_table(document: Document) -> str:
    """One row per workload and number of threads, the peers beside each other."""
    lines = [
        "| | Threads | mundur | PyTorch's best | | scikit-learn | |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    notes: list[str] = []
    for workload, threads in _keys(document):
        rows = [
            row
            for row in document["results"]
            if (row["workload"], row["threads"]) == (workload, threads)
        ]
        ours = _best(rows, "mundur")
        cells = [f"{workload}: {rows[0]['description']}", str(threads), _time(ours)]
        for library in ("torch", "scikit-learn"):
            best = _best(rows, library)
            text = _time(best)
            if best and library == "torch":
                text += f" ({best['mode']})"
            if best and best["note"]:
                if best["note"] not in notes:
                    notes.append(best["note"])
                text += f" [{notes.index(best['note']) + 1}]"
            cells += [text, _ratio(best, ours)]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", _method(document)]
    lines += [f"[{number}] {note}." for number, note in enumerate(notes, 1)]
    lines += [f"Left out: {peer} ({reason})." for peer, reason in document["missing"].items()]
    lines += [
        f"Failed: {row['peer']} on {row['workload']}, threads {row['threads']} ({row['error']})."
        for row in document["results"]
        if "error" in row
    ]
    return "\n".join(lines)


def _keys(document: Document) -> list[tuple[str, int]]:
    return sorted({(row["workload"], row["threads"]) for row in document["results"]})


def _best(rows: list[Row], library: str) -> Row | None:
    own = [row for row in rows if row["library"] == library and "median" in row]
    return min(own, key=lambda row: float(row["median"]), default=None)


def _time(row: Row | None) -> str:
    if row is None:
        return "-"
    value = float(row["median"])
    for size, unit in ((1e6, "s"), (1e3, "ms")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g} µs"


def _ratio(peer: Row | None, ours: Row | None) -> str:
    if peer is None or ours is None:
        return "-"
    return f"{float(peer['median']) / float(ours['median']):.3g}×"


def _method(document: Document) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in document["versions"].items())
    method = document["method"]
    return (
        f"Per training step (W8: per epoch), float32, the median of {method['rounds']} interleaved "
        f"rounds of {method['seconds_per_measurement']} s; × is the peer's time over mundur's. "
        f"{machine.title(document['machine'])}; "
        f"Python {document['machine']['python']}, {versions}; {document['machine']['date']}."
    )


def draw_comparison(document: Document, path: Path) -> None:
    """Bars per workload on a logarithmic scale, from the fastest round to the slowest."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    keys = _keys(document)
    libraries = {"mundur": "tab:blue", "torch": "tab:orange", "scikit-learn": "tab:green"}
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.5 * len(keys)), layout="constrained")
    height = 0.8 / len(libraries)
    for offset, (library, colour) in enumerate(libraries.items()):
        first = True
        for position, (workload, threads) in enumerate(keys):
            rows = [
                row
                for row in document["results"]
                if (row["workload"], row["threads"]) == (workload, threads)
            ]
            best = _best(rows, library)
            if best is None:
                continue
            median = float(best["median"])
            spread = [[median - float(best["lowest"])], [float(best["highest"]) - median]]
            label = {"torch": "PyTorch's best mode"}.get(library, library) if first else None
            at = position + (offset - 1) * height
            axes.barh(at, median, height, xerr=spread, color=colour, label=label, ecolor="0.3")
            first = False
    axes.set_yticks(range(len(keys)), [f"{w}, {t} thread{'s' * (t > 1)}" for w, t in keys])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("microseconds per training step (W8: per epoch), less is better")
    axes.set_title(machine.title(document["machine"]), fontsize=9)
    axes.legend(loc="upper right", fontsize=8)
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


# ---- README --------------------------------------------------------------------------------------
def readme_part() -> str:
    """What belongs between README's markers, markers included."""
    parts = [comparison_table(document) for document in load("compare")]
    parts += [footprint_table(document) for document in load("footprint")]
    if not parts:
        parts = ["Nothing has been measured yet: `python bench/compare.py` does it."]
    return "\n\n".join([BEGIN, *parts, END])


def replaced(readme: str) -> str:
    """README's text with the part between its markers made anew."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise SystemExit(f"README.md must hold each marker once: {BEGIN} and {END}")
    before, rest = readme.split(BEGIN)
    return before + readme_part() + rest.split(END)[1]


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write-readme", action="store_true")
    if parser.parse_args().write_readme:
        README.write_text(replaced(README.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(readme_part())


if __name__ == "__main__":
    main()
