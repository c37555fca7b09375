"""Measure training and prediction against the peers that are installed, in one interleaved run.

    python bench/compare.py --quick
    python bench/compare.py --workloads W1 W3 --threads 1 2 --rounds 9
    python bench/compare.py --workloads W14 W15 W16
    python bench/compare.py --device cuda

Peers are PyTorch, JAX, Keras (on TensorFlow) and scikit-learn, each in several of its ways; all of
them first compute the same losses (or outputs) from the same weights, then take turns, and the
median of the rounds counts. What is missing or fails is reported. The result goes to
bench/results/ as JSON, a table and a figure, with the machine and its limits; networks of images
have files of their own when they are measured by themselves, and so have GPUs.
"""

from __future__ import annotations

import argparse
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import limits
import machine
import report
from peers import PEERS
from processes import (
    CHECKED_STEPS,
    Measurement,
    PeerProcess,
    installed,
    measure_in_turns,
    rounded,
)
from report import DISTURBED
from workloads import WORKLOADS, Workload

#: A peer's library, and the one that does its arithmetic.
BACKENDS = {"jax": "jaxlib", "keras": "tensorflow-cpu"}

#: On a GPU: those that run there.
ON_GPU = ("W1", "W2", "W3", "W4", "W6", "W7", "W8", "W1f/1024", "W2f/1024")

#: What --quick leaves out.
LONG = ("W4", "W8", "W9", "W12", "W13", "W15", "W16", "W15f/256", "W16f/256")


def gpu(of_emulation: bool) -> str:
    """The name of the GPU that is measured. Ends the program where there is none."""
    import mundur as md

    try:
        model = md.Model([md.layers.Dense(1)], device="cuda:0")
    except RuntimeError as error:
        raise SystemExit(f"--device cuda: nothing is measured. {error}") from None
    start = f"{model.device} ("  # which is open as long as the model is
    (told,) = (name for name in md.build_info()["devices"] if name.startswith(start))
    name = str(told).removeprefix(start).removesuffix(")")
    if "emulation" in name and not of_emulation:
        raise SystemExit(
            "--device cuda: nothing is measured. MUNDUR_CUDA_LIBRARY names the host emulation, "
            "whose times mean nothing; --emulation tries the comparison on it"
        )
    return name


def to_json(one: Measurement, limit: limits.Limits | None) -> dict[str, Any]:
    row = one.to_json()
    if limit:
        row["limit"] = rounded(limit.microseconds(one.workload))
    return row


def show(measured: list[Measurement], limit: limits.Limits | None, workload: Workload) -> None:
    if limit:
        print(f"  {'limit':16} {limit.microseconds(workload):12,.4g} us/{workload.unit}")
    for m in measured:
        if not m.error:
            spread = f"{min(m.microseconds):,.4g} to {max(m.microseconds):,.4g}"
            busy = f", others kept {m.others:.1f} cores busy" if m.others > DISTURBED else ""
            print(
                f"  {m.peer:16} {m.median:12,.4g} us/{workload.unit} ({spread}){busy}", flush=True
            )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """The whole comparison as one JSON document."""
    on_gpu = arguments.device == "cuda"
    described = machine.describe() | ({"gpu": gpu(arguments.emulation)} if on_gpu else {})
    names, missing = installed(arguments.peers)
    measured_limits = {} if on_gpu else limits.measure_if_built(arguments.native, arguments.threads)
    results: list[dict[str, Any]] = []
    for threads in arguments.threads:
        limit = measured_limits.get(threads)
        peers = [PeerProcess(name, threads) for name in names]
        try:
            for workload in (WORKLOADS[name] for name in arguments.workloads):
                print(f"{workload.name}, {threads} threads: {workload}", flush=True)
                measured = measure_in_turns(workload, peers, arguments.rounds, arguments.seconds)
                show(measured, limit, workload)
                results += [to_json(one, limit) for one in measured]
        finally:
            for peer in peers:
                peer.close()
    libraries = {PEERS[name].library for name in names} | {"numpy"}
    libraries |= {BACKENDS[library] for library in libraries if library in BACKENDS}
    of_images = all(WORKLOADS[name].of_images for name in arguments.workloads)
    return {
        "kind": "cuda" if on_gpu else "images" if of_images else "compare",
        "machine": described,
        "versions": {library: version(library) for library in sorted(libraries)},
        "method": {
            "rounds": arguments.rounds,
            "seconds_per_measurement": arguments.seconds,
            "checked_steps": CHECKED_STEPS,
        },
        "limits": [limit.to_json() for limit in measured_limits.values()],
        "missing": missing,
        "results": results,
    }


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    assert __doc__
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS)
    parser.add_argument("--threads", nargs="+", type=int, help="(1 2; with a GPU 4 at most)")
    parser.add_argument("--peers", nargs="+", choices=PEERS)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.3, help="per measurement (0.3)")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 0.05 s, short workloads")
    parser.add_argument("--output", type=Path, help="the JSON file (default: in bench/results/)")
    parser.add_argument(
        "--emulation", action="store_true", help="with --device cuda: the host emulation will do"
    )
    limits.add_argument(parser)
    arguments = parser.parse_args(argv)
    on_gpu = arguments.device == "cuda"
    arguments.workloads = arguments.workloads or list(ON_GPU if on_gpu else WORKLOADS)
    arguments.threads = arguments.threads or ([min(4, machine.cores())] if on_gpu else [1, 2])
    serving = [name for name, peer in PEERS.items() if peer.device == arguments.device]
    arguments.peers = arguments.peers or serving
    if not set(arguments.peers) <= set(serving):
        parser.error(f"--peers: of --device {arguments.device} there are {', '.join(serving)}")
    if arguments.quick:
        arguments.rounds, arguments.seconds = min(arguments.rounds, 3), 0.05
        arguments.workloads = [name for name in arguments.workloads if name not in LONG]
    if not 1 <= min(arguments.threads) <= max(arguments.threads) <= machine.cores():
        parser.error(f"--threads: from 1 to this machine's {machine.cores()} cores")
    return arguments


def main() -> None:
    arguments = parse()
    document = run(arguments)
    output = arguments.output
    if output is None:
        if arguments.quick:
            print("quick: nothing is kept without --output")
            return
        output = report.RESULTS / f"{report.comparison_name(document)}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    table = report.comparison_table(document)
    output.with_suffix(".md").write_text(table + "\n", encoding="utf-8")
    try:
        report.draw_comparison(document, output.with_suffix(".png"))
    except ModuleNotFoundError as error:
        print(f"no figure: {error}")
    near = report.not_ahead(document)
    print(f"\nless than {report.AHEAD}x ahead of the best peer: {'; '.join(near) or 'nowhere'}")
    print(f"\n{table}\n\nwritten: {output} (.md, .png); the pages: python bench/report.py --write")


if __name__ == "__main__":
    main()
