"""What a fit of `mundur.sklearn` takes, beside scikit-learn's own, and beside `Model.fit`.

    python bench/estimators.py --quick
    python bench/estimators.py --threads 1 2 --dtypes float64 float32

The same settings, the same number of epochs, the two in turns; numbers of the shapes of
scikit-learn's digits, MNIST and California's houses, since what they are takes no time. Beside
them, what an estimator adds to a fit of `Model` with the same layers, on a set that takes no time
itself. scikit-learn is told the number of threads through threadpoolctl.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import mundur as md
import numpy as np
from mundur import sklearn as ours

import machine
import report
from layers import Array
from processes import rounded


class Case(NamedTuple):
    """A set's shape, and a network for it."""

    samples: int
    widths: tuple[int, ...]
    batch_size: Any
    epochs: int

    @property
    def classifies(self) -> bool:
        return self.widths[-1] > 1

    def data(self, dtype: str) -> tuple[Array, Array]:
        rng = np.random.default_rng(0)
        x = rng.random((self.samples, self.widths[0])).astype(dtype)
        if self.classifies:
            return x, rng.integers(0, self.widths[-1], self.samples)
        return x, rng.standard_normal(self.samples).astype(dtype)

    def estimator(self, library: Any, epochs: int | None = None) -> Any:
        """One that goes through all epochs."""
        cls = library.MLPClassifier if self.classifies else library.MLPRegressor
        return cls(
            hidden_layer_sizes=self.widths[1:-1],
            batch_size=self.batch_size,
            max_iter=epochs or self.epochs,
            n_iter_no_change=10**6,
            random_state=0,
        )


CASES = {
    "digits 64-100-10": Case(1797, (64, 100, 10), "auto", 20),
    "MNIST 784-128-10": Case(60_000, (784, 128, 10), 128, 1),
    "California 8-64-64-1": Case(20_640, (8, 64, 64, 1), "auto", 3),
}
SMALL = Case(100, (8, 16, 3), "auto", 10)


def seconds(function: Callable[[], Any]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # epochs are over
        start = time.perf_counter()
        function()
        return time.perf_counter() - start


def in_turns(rounds: int, *functions: Callable[[], Any]) -> list[list[float]]:
    """Seconds of each, after one round that counts for nothing."""
    times: list[list[float]] = [[] for _ in functions]
    for number in range(rounds + 1):
        for taken, function in zip(times, functions, strict=True):
            value = seconds(function)
            if number:
                taken.append(value)
    return times


def against_scikit_learn(case: Case, threads: int, dtype: str, rounds: int) -> dict[str, Any]:
    import sklearn.neural_network as theirs
    from threadpoolctl import threadpool_limits

    x, y = case.data(dtype)
    md.set_num_threads(threads)
    watch = machine.Watch()
    with threadpool_limits(threads):
        mine, other = in_turns(
            rounds,
            lambda: case.estimator(ours).fit(x, y),
            lambda: case.estimator(theirs).fit(x, y),
        )
    elapsed = watch.read()
    return {
        "mundur_ms": rounded(1e3 * statistics.median(mine)),
        "sklearn_ms": rounded(1e3 * statistics.median(other)),
        "times": rounded(statistics.median(other) / statistics.median(mine)),
        "cores_busy_by_others": round(elapsed.others / elapsed.seconds, 2),
    }


def overhead(rounds: int) -> dict[str, Any]:
    """Milliseconds that an estimator adds to a fit, one thread."""
    md.set_num_threads(1)
    x, y = SMALL.data("float64")
    loss = md.losses.SparseCategoricalCrossentropy

    def by_model() -> None:
        hidden = [md.layers.Dense(units, "relu") for units in SMALL.widths[1:-1]]
        model = md.Model([*hidden, md.layers.Dense(SMALL.widths[-1])], seed=0, dtype="float64")
        model.compile("adam", loss(from_logits=True))
        model.fit(x, y, batch_size=SMALL.samples, epochs=SMALL.epochs, verbose=0)

    net = [md.layers.Dense(SMALL.widths[1], "relu"), md.layers.Dense(SMALL.widths[-1])]
    network = ours.NeuralNetClassifier(net, batch_size="full", epochs=SMALL.epochs, random_state=0)
    times = in_turns(
        10 * rounds,
        by_model,
        lambda: SMALL.estimator(ours).fit(x, y),
        lambda: network.fit(x, y),
    )
    plain, perceptron, around = (1e3 * statistics.median(taken) for taken in times)
    return {
        "model_ms": rounded(plain),
        "MLPClassifier_over_model_ms": rounded(perceptron - plain),
        "NeuralNetClassifier_over_model_ms": rounded(around - plain),
    }


def run(threads: list[int], dtypes: list[str], rounds: int) -> dict[str, Any]:
    results = []
    for name, case in CASES.items():
        for dtype in dtypes:
            for count in threads:
                row = against_scikit_learn(case, count, dtype, rounds)
                print(
                    f"{name:22} {dtype} {count} threads: {row['mundur_ms']:8} ms, scikit-learn "
                    f"{row['sklearn_ms']:8} ms, {row['times']} times; others kept "
                    f"{row['cores_busy_by_others']} cores busy",
                    flush=True,
                )
                results.append({"case": name, "dtype": dtype, "threads": count, **row})
    added = overhead(rounds)
    print(added)
    return {
        "kind": "estimators",
        "machine": machine.describe(),
        "versions": {n: version(n) for n in ("numpy", "scikit-learn")},
        "method": {"rounds": rounds},
        "results": results,
        "overhead": added,
    }


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--dtypes", nargs="+", choices=["float64", "float32"], default=["float64"])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="2 rounds; nothing is kept")
    parser.add_argument("--output", type=Path, help="the JSON file (default: in bench/results/)")
    arguments = parser.parse_args()
    if not 1 <= min(arguments.threads) <= max(arguments.threads) <= machine.cores():
        parser.error(f"--threads: from 1 to this machine's {machine.cores()} cores")

    rounds = min(arguments.rounds, 2 if arguments.quick else 99)
    document = run(arguments.threads, arguments.dtypes, rounds)
    output = arguments.output
    if output is None:
        if arguments.quick:
            print("quick: nothing is kept without --output")
            return
        output = report.RESULTS / f"estimators_{machine.slug(document['machine'])}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"written: {output}")


if __name__ == "__main__":
    main()
