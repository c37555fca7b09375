"""How much room and time the installed package takes: the wheel, the files, the import.

    python bench/footprint.py [--wheel dist/mundur-*.whl] [--rounds 21] [--output FILE.json]

The import is timed inside of fresh processes, `import numpy` and `import mundur` in turns; the
difference of their medians counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from importlib.metadata import files, version
from pathlib import Path
from typing import Any

import machine

TIMED_IMPORT = "from time import perf_counter as now; t = now(); import {}; print(now() - t)"


def import_milliseconds(rounds: int) -> dict[str, float]:
    """Medians for numpy and mundur, the processes interleaved."""
    times: dict[str, list[float]] = {"numpy": [], "mundur": []}
    for round_ in range(rounds + 1):
        for module, measured in times.items():
            command = [sys.executable, "-c", TIMED_IMPORT.format(module)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            if round_ > 0:  # the first one fills the caches and writes the byte code
                measured.append(1e3 * float(done.stdout))
    return {module: statistics.median(measured) for module, measured in times.items()}


def installed_bytes() -> int:
    """All files that the installation recorded, byte code and bundled libraries included."""
    paths = (Path(str(file.locate())) for file in files("mundur") or [])
    return sum(path.stat().st_size for path in paths if path.exists())


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--wheel", type=Path)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()

    milliseconds = import_milliseconds(arguments.rounds)
    document: dict[str, Any] = {
        "kind": "footprint",
        "machine": machine.describe(),
        "versions": {name: version(name) for name in ("mundur", "numpy")},
        "installed_bytes": installed_bytes(),
        "import_numpy_ms": round(milliseconds["numpy"], 2),
        "import_mundur_ms": round(milliseconds["mundur"], 2),
        "import_over_numpy_ms": round(milliseconds["mundur"] - milliseconds["numpy"], 2),
    }
    print(f"installed: {document['installed_bytes']:,} bytes")
    if arguments.wheel:
        document["wheel"] = arguments.wheel.name
        document["wheel_bytes"] = arguments.wheel.stat().st_size
        print(f"wheel: {document['wheel_bytes']:,} bytes ({document['wheel']})")
    print(
        f"import: numpy {document['import_numpy_ms']} ms, mundur {document['import_mundur_ms']} ms,"
        f" over numpy {document['import_over_numpy_ms']} ms"
        f" (medians of {arguments.rounds} processes each)"
    )
    if arguments.output:
        arguments.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
