"""How much memory W8's training takes beside its data, which are bytes.

    python bench/memory.py

In a fresh process per number of threads: the resident set before the model is made, its peak while
it is trained (the kernel's own counter, reset before), and what was planned: parameters, their
gradients, Adam's two moments and a batch's workspace.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import machine
import report
from workloads import WORKLOADS

W8 = WORKLOADS["W8"]
ALLOWANCE = 40_000_000  # bytes beside what is planned
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def resident_bytes(field: str) -> int:
    """VmRSS, now, or VmHWM, the most so far."""
    for line in STATUS.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise RuntimeError(f"{STATUS} has no {field}")


def train(threads: int) -> dict[str, int]:
    """W8 on uint8 data: growth of the resident set, and the parts that were planned."""
    import mundur as md

    md.set_num_threads(threads)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (W8.samples, W8.widths[0]), np.uint8)
    y = rng.integers(0, W8.widths[-1], W8.samples)
    before = resident_bytes("VmRSS")
    CLEAR.write_text("5", encoding="ascii")  # the peak so far is forgotten

    layers = [md.layers.Rescaling(1 / 255), md.layers.Dense(128, "relu"), md.layers.Dense(10)]
    model = md.Model(layers, input_shape=W8.widths[:1], seed=0)
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(md.optimizers.Adam(), loss, metrics=["accuracy"])
    model.fit(x, y, batch_size=W8.batch_size, epochs=2, verbose=0)

    parameters = model.native.flat_parameters.nbytes
    return {
        "threads": threads,
        "growth_bytes": resident_bytes("VmHWM") - before,
        "data_bytes": x.nbytes + y.nbytes,
        "parameters_bytes": parameters,
        "gradients_bytes": model.native.flat_gradients.nbytes,
        "state_bytes": 2 * parameters,
        "workspace_bytes": model.native.workspace_bytes(W8.batch_size, True),
        "allowance_bytes": ALLOWANCE,
    }


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--output", type=Path, help="the JSON file (default: none)")
    arguments = parser.parse_args()
    if not 1 <= min(arguments.threads) <= max(arguments.threads) <= machine.cores():
        parser.error(f"--threads: from 1 to this machine's {machine.cores()} cores")

    context = multiprocessing.get_context("spawn")
    results = []
    for threads in arguments.threads:
        with context.Pool(1) as process:
            results.append(process.apply(train, (threads,)))
    document: dict[str, Any] = {
        "kind": "memory",
        "machine": machine.describe(),
        "versions": {name: version(name) for name in ("mundur", "numpy")},
        "results": results,
    }
    print(report.memory_table(document))
    if arguments.output:
        arguments.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
