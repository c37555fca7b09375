"""What bench/ computes from measurements; time itself is measured there, never here."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

BENCH = Path(__file__).resolve().parents[1] / "bench"

pytestmark = pytest.mark.skipif(not BENCH.is_dir(), reason="not in the source tree")

MACHINE = {
    "cpu": "a CPU",
    "family": "1",
    "model": "2",
    "cores": 2,
    "flags": ["avx2"],
    "python": "3.11.0",
    "date": "2026-01-01",
}


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a module of bench/."""
    monkeypatch.syspath_prepend(str(BENCH))

    def module(name: str) -> ModuleType:
        return importlib.import_module(name)

    return module


# ---- workloads and limits ------------------------------------------------------------------------
def test_a_step_counts_every_product_but_the_first_dx(bench: Any) -> None:
    w1 = bench("workloads").WORKLOADS["W1"]
    first, second = 2 * 64 * 784 * 128, 2 * 64 * 128 * 10
    assert w1.operations == 2 * first + 3 * second
    assert w1.resident_bytes == 4 * (784 * 128 + 128 + 128 * 10 + 10)
    assert w1.moved_bytes == 2 * w1.resident_bytes


def test_an_epoch_counts_its_short_batch_as_short(bench: Any) -> None:
    w8 = bench("workloads").WORKLOADS["W8"]
    assert w8.operations == 60_000 * (4 * 784 * 128 + 6 * 128 * 10)
    assert w8.resident_bytes == 3 * bench("workloads").WORKLOADS["W1"].resident_bytes  # Adam's two


def test_a_prediction_reads_its_weights_once(bench: Any) -> None:
    w1f = bench("workloads").WORKLOADS["W1f/1"]
    assert w1f.predicts and w1f.operations == 2 * (784 * 128 + 128 * 10)
    assert w1f.moved_bytes == w1f.resident_bytes


def test_a_step_of_an_lstm_counts_its_products_three_times(bench: Any) -> None:
    w6 = bench("workloads").WORKLOADS["W6"]
    lstm, dense = 2 * 100 * (64 + 64) * 256, 2 * 64
    assert w6.operations == 3 * 32 * (lstm + dense)  # an Embedding in front has none
    parameters = 10_000 * 64 + (64 + 64 + 1) * 256 + 64 + 1
    assert w6.resident_bytes == 4 * 3 * parameters


def test_a_convolution_and_a_pool_shorten_what_follows(bench: Any) -> None:
    w7 = bench("workloads").WORKLOADS["W7"]
    convolution, lstm = 2 * 196 * 5 * 64 * 64, 2 * 49 * (64 + 64) * 256
    assert w7.operations == 3 * 32 * (convolution + lstm + 2 * 64)
    assert [value.shape for value in w7.weights()] == [
        *((10_000, 64), (5, 64, 64), (64,), (64, 256), (64, 256), (256,), (64, 1), (1,))
    ]


def test_sequences_are_ids_with_one_label_each(bench: Any) -> None:
    w9 = bench("workloads").WORKLOADS["W9"]
    x, y = w9.data()
    assert (x.shape, x.dtype) == ((12_800, 200), np.int32)
    assert x.min() == 0 and x.max() == 19_999
    assert (y.shape, y.dtype) == ((12_800, 1), np.float32) and set(y.ravel()) == {0.0, 1.0}
    assert str(w9) == (
        "epoch of 12,800 shuffled, Embedding(20000,64)-LSTM(64)-Dense(1), T=200, BCE, Adam, "
        "batch 64"
    )


def test_a_convolution_of_images_counts_what_each_place_sees(bench: Any) -> None:
    w14 = bench("workloads").WORKLOADS["W14"]
    first, second = 2 * 24 * 24 * 25 * 6, 2 * 8 * 8 * 25 * 6 * 16
    dense = 2 * (256 * 120 + 120 * 84 + 84 * 10)
    assert w14.operations == 128 * (2 * first + 3 * (second + dense))
    assert sum(value.size for value in w14.weights()) == 44_426  # as LeNet-5 is published for MNIST
    assert str(w14) == "LeNet-5, 28x28x1, softmax CE, Adam, batch 128"


def test_blocks_of_a_residual_network_halve_the_image(bench: Any) -> None:
    w16 = bench("workloads").WORKLOADS["W16"]
    block = bench("layers").Block(32, 2)
    assert block.output_shape((32, 32, 16)) == (16, 16, 32)
    parts = [(str(part), of) for part, of in block.parts((32, 32, 16))]
    assert parts[0] == ("Conv(32,3x3)", (32, 32, 16))
    assert parts[-2] == ("Conv(32,1x1)", (32, 32, 16))
    assert len(bench("layers").Block(32).parts((16, 16, 32))) == 4  # nothing on the way around
    layers = [value for value in w16.weights() if value.ndim > 1]
    assert len(layers) == 20 + 2  # of which two are shortcuts


@pytest.mark.witness
@pytest.mark.parametrize("name", ["W14", "W16", "W14f/1", "W16f/1"])
def test_pytorch_computes_the_same_of_images(bench: Any, name: str) -> None:
    pytest.importorskip("torch")
    processes = bench("processes")
    workload = bench("workloads").WORKLOADS[name]
    measurements = [processes.Measurement(workload, 1, one) for one in ("mundur", "torch-eager")]
    for m in measurements:
        m.witness = bench("peers").PEERS[m.peer](workload, 1).witness(3)
    processes.check_agreement(measurements)
    assert [m.error for m in measurements] == ["", ""]


def test_a_matrix_is_taught_its_exponential(bench: Any) -> None:
    x, y = bench("workloads").WORKLOADS["W10"].data()
    assert x.shape == y.shape == (10_000, 4)
    np.testing.assert_allclose(y[:3], [expm(one.reshape(2, 2)).ravel() for one in x[:3]], 1e-5)


def test_the_limit_is_the_slower_of_arithmetic_and_memory(bench: Any) -> None:
    limits, workloads = bench("limits"), bench("workloads").WORKLOADS
    fast_memory = limits.Limits(1, 1e9, 1e12, read={2**10: 1e15, 2**30: 1e15})
    fast_arithmetic = limits.Limits(1, 1e18, 1e18, read={2**10: 1e9, 2**30: 1e9})
    w1, rounded = workloads["W1"], workloads["W2bfloat16"]
    assert fast_memory.microseconds(w1) == pytest.approx(w1.operations / 1e3)
    assert fast_memory.microseconds(rounded) == pytest.approx(rounded.operations / 1e6)
    assert fast_arithmetic.microseconds(w1) == pytest.approx(w1.moved_bytes / 1e3)


def test_rates_lie_between_measured_sizes_and_end_with_them(bench: Any) -> None:
    limit = bench("limits").Limits(1, 1.0, 1.0, read={1024: 100.0, 4096: 25.0})
    assert limit.read_rate(2048) == pytest.approx(50.0)
    assert limit.read_rate(1) == pytest.approx(100.0)
    assert limit.read_rate(1 << 40) == pytest.approx(25.0)


def test_the_native_program_is_understood(bench: Any) -> None:
    rows = [
        {"name": "limit/peak/threads:2/iterations:1", "FLOP/s": 2e11},
        {"name": "limit/peak/bfloat16/threads:2/iterations:1", "FLOP/s": 4e12},
        {"name": "limit/read/bytes:65536/threads:2/iterations:1", "B/s": 2e11},
        {"name": "limit/read/bytes:262144/threads:2/iterations:1", "B/s": 1e11},
        {"name": "step/W1/threads:2", "step": 1.0},
    ]
    (limit,) = bench("limits").parse_native(json.dumps({"benchmarks": rows})).values()
    assert (limit.threads, limit.flops, limit.tile_flops) == (2, 2e11, 4e12)
    assert limit.read == {65536: 2e11, 262144: 1e11}
    with pytest.raises(SystemExit, match="build it anew"):  # an earlier build of it
        bench("limits").parse_native(json.dumps({"benchmarks": [rows[0], rows[2]]}))


# ---- peers ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["W1", "W3", "W10", "W11", "W1f/1", "W1f/1024"])
def test_scikit_learn_computes_the_same(bench: Any, name: str) -> None:
    pytest.importorskip("sklearn")
    processes = bench("processes")
    workload = bench("workloads").WORKLOADS[name]
    measurements = [processes.Measurement(workload, 1, peer) for peer in ("mundur", "sklearn")]
    for m in measurements:
        peer = bench("peers").PEERS[m.peer](workload, 1)
        m.witness = peer.witness(processes.CHECKED_STEPS)
    processes.check_agreement(measurements)
    assert [m.error for m in measurements] == ["", ""]


@pytest.mark.parametrize(
    "name",
    ["W1", "W3", *(pytest.param(one, marks=pytest.mark.slow) for one in ("W2", "W4", "W6", "W7"))],
)
def test_another_optimizer_does_not_pass_for_the_same(bench: Any, name: str) -> None:
    from dataclasses import replace

    processes, mundur = bench("processes"), bench("peers").PEERS["mundur"]
    workload = bench("workloads").WORKLOADS[name]
    workload = replace(workload, samples=workload.batch_size)
    optimizer = "sgd" if workload.optimizer == "momentum" else "momentum"
    measurements = [processes.Measurement(workload, 1, peer) for peer in ("mundur", "torch-eager")]
    for m, trained in zip(
        measurements, (workload, replace(workload, optimizer=optimizer)), strict=True
    ):
        m.witness = mundur(trained, 1).witness(processes.CHECKED_STEPS)
    processes.check_agreement(measurements)
    assert not measurements[0].error
    assert "computes something else" in measurements[1].error


@pytest.mark.parametrize("other", [[2.0, np.nan], [2.0, 1.01], [2.0]])
def test_losses_that_differ_fail_a_peer(bench: Any, other: list[float]) -> None:
    processes, workload = bench("processes"), bench("workloads").WORKLOADS["W1"]
    one = processes.Measurement(workload, 1, "mundur", witness=np.array([2.0, 1.0]))
    two = processes.Measurement(workload, 1, "jax-jit", witness=np.array(other))
    processes.check_agreement([one, two])
    assert not one.error and "computes something else" in two.error


def test_who_only_predicts_does_not_train(bench: Any) -> None:
    peers, workloads = bench("peers").PEERS, bench("workloads").WORKLOADS
    serving = {
        name: [peer.serves(workloads[w]) for w in ("W1", "W1f/1", "W6")]
        for name, peer in peers.items()
    }
    assert serving["keras-call"] == [False, True, False]
    assert serving["jax-scan"] == [True, False, True]
    assert serving["mundur"] == serving["jax-jit"] == [True, True, True]
    assert serving["sklearn"] == [True, True, False]  # it has dense networks only


def test_who_has_no_products_in_bfloat16_is_not_asked_for_them(bench: Any) -> None:
    workload = bench("workloads").WORKLOADS["W4bfloat16"]
    assert str(workload).endswith(", momentum, batch 512, products in bfloat16")
    serving = {name for name, peer in bench("peers").PEERS.items() if peer.serves(workload)}
    modes = {f"torch-{mode}" for mode in ("eager", "foreach", "fused", "compile", "autotune")}
    assert serving == {"mundur", *modes}


@pytest.mark.witness
@pytest.mark.parametrize("name", ["W2bfloat16", "W6bfloat16"])
def test_pytorch_rounds_as_much(bench: Any, name: str) -> None:
    pytest.importorskip("torch")
    processes = bench("processes")
    workload = bench("workloads").WORKLOADS[name]
    whole = bench("workloads").WORKLOADS[name.removesuffix("bfloat16")]
    witnesses = {
        (peer, one.name): bench("peers").PEERS[peer](one, 1).witness(3)
        for peer in ("mundur", "torch-eager")
        for one in (whole, workload)
    }
    for peer in ("mundur", "torch-eager"):
        assert (witnesses[peer, name] != witnesses[peer, whole.name]).any()
    measurements = [
        processes.Measurement(workload, 1, peer, witness=witnesses[peer, name])
        for peer in ("mundur", "torch-eager")
    ]
    processes.check_agreement(measurements)
    assert [m.error for m in measurements] == ["", ""]


def test_mundur_measures_whole_epochs(bench: Any) -> None:
    from dataclasses import replace

    workload = replace(bench("workloads").WORKLOADS["W3"], samples=4 * 32)
    peer = bench("peers").PEERS["mundur"](workload, 1)
    measured = peer.measure(0.0)
    assert measured.microseconds > 0 and measured.others >= 0


# ---- growth --------------------------------------------------------------------------------------
def smooth(values: list[int]) -> dict[int, float]:
    """A constant cost, and one that grows with the square."""
    return {value: 10.0 + 0.001 * value**2 for value in values}


def test_a_smooth_curve_has_no_cliff(bench: Any) -> None:
    growth = bench("growth")
    assert growth.cliffs(smooth(growth.sizes(16, 4096, True))) == []
    assert growth.cliffs({1: 5.0, 2: 2.5, 4: 2.6}, flat_end=True) == []
    assert growth.cliffs({1: 5.0}) == growth.cliffs({}) == []


@pytest.mark.parametrize("slow", [[64], [64, 65], [65], [257]])
def test_a_slow_size_is_a_cliff(bench: Any, slow: list[int]) -> None:
    growth = bench("growth")
    times = smooth(growth.sizes(16, 4096, True))
    times |= {value: 2.5 * times[value] for value in slow}
    assert {cliff.value for cliff in growth.cliffs(times)} == set(slow)
    slightly = {value: time / 1.5 if value in slow else time for value, time in times.items()}
    assert growth.cliffs(slightly) == []


def test_a_step_upwards_is_a_cliff_where_it_begins(bench: Any) -> None:
    growth = bench("growth")
    values = growth.sizes(16, 4096, True)
    times = {v: time * (3 if v > 256 else 1) for v, time in smooth(values).items()}
    assert [cliff.value for cliff in growth.cliffs(times)] == [257]


def test_too_many_threads_that_collapse_are_a_cliff(bench: Any) -> None:
    growth = bench("growth")
    (cliff,) = growth.cliffs({1: 10.0, 2: 5.0, 4: 11.0}, flat_end=True)
    assert cliff.value == 4 and cliff.predicted == 5.0
    assert str(cliff) == "4: 11 µs, 2.2 times the 5 µs that its neighbours predict"


def test_sweeps_reach_the_ends_that_they_promise(bench: Any) -> None:
    growth = bench("growth")
    promised = {
        "dense": {"width": (16, 4096), "depth": (1, 64), "batch": (1, 8192)},
        "lstm": {"hidden": (16, 512), "steps": (10, 1000), "batch": (1, 256)},
        "images": {"channels": (1, 256), "size": (8, 64), "kernel": (1, 7), "batch": (1, 512)},
    }
    assert list(growth.NETWORKS) == list(promised)
    for name, sweeps in promised.items():
        network = growth.NETWORKS[name]
        for sweep, ends in sweeps.items():
            points = growth.points(network, sweep, 2, quick=False)
            values = [point.value for point in points]
            assert (values[0], values[-1]) == ends and values == sorted(set(values))
            assert points[0].common and points[-1].common
        assert [p.threads for p in growth.points(network, "threads", 2, quick=False)] == [1, 2, 4]


def test_a_sweep_varies_what_it_says(bench: Any) -> None:
    growth = bench("growth")
    lstm = growth.NETWORKS["lstm"].workload
    few, many = lstm(steps=10), lstm(steps=1000)
    assert (few.inputs, many.inputs) == ((10,), (1000,))
    assert many.operations == pytest.approx(100 * few.operations, rel=1e-3)
    assert lstm(batch=1).batch_size == 1 and lstm(hidden=16).layers[1].units == 16
    images = growth.NETWORKS["images"].workload
    assert images(size=8, channels=5, batch=3).inputs == (8, 8, 5)
    assert images(kernel=7).operations == pytest.approx(49 / 9 * images().operations, rel=0.01)
    dense = growth.NETWORKS["dense"].workload
    assert dense(width=16, depth=3).widths == (256, 16, 16, 16, 10)
    assert dense(batch=8192).batches == 4 and dense(width=16, batch=1).batches == 1000


def test_sweeps_of_another_network_are_refused(
    bench: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    growth = bench("growth")
    assert growth.parse(["--network", "lstm"]).sweeps == ["hidden", "steps", "batch", "threads"]
    with pytest.raises(SystemExit):
        growth.parse(["--network", "lstm", "--sweeps", "width"])
    assert "'width' is none of hidden, steps, batch, threads" in capsys.readouterr().err


# ---- reports -------------------------------------------------------------------------------------
def comparison(**changes: Any) -> dict[str, Any]:
    row = {"workload": "W1", "description": "MLP", "unit": "step", "threads": 1, "note": ""}
    row["limit"] = 40.0

    def measured(peer: str, library: str, mode: str, *rounds: float, **more: Any) -> dict[str, Any]:
        numbers = {"rounds": list(rounds), "median": float(np.median(rounds))}
        return row | {"peer": peer, "library": library, "mode": mode} | numbers | more

    rows = [
        measured("mundur", "mundur", "fit", 49, 50, 51),
        measured("torch-eager", "torch", "eager", 250.0),
        measured("torch-fused", "torch", "fused", 200.0),
        row | {"peer": "torch-compile", "library": "torch", "mode": "c", "error": "no g++"},
        measured("jax-scan", "jax", "scan", 55.0),
        measured("sklearn", "scikit-learn", "partial_fit", 20.0, note="half of the work"),
    ]
    return {
        "machine": MACHINE,
        "versions": {"mundur": "0.1.0"},
        "method": {"rounds": 3, "seconds_per_measurement": 0.1},
        "limits": [{"threads": 1, "flops_per_second": 1.5e11}],
        "missing": {"keras-fit": "keras is not installed"},
        "results": rows,
    } | changes


def test_a_comparison_names_the_best_what_is_missing_and_what_failed(bench: Any) -> None:
    table = bench("report").comparison_table(comparison())
    assert "| Limit | mundur | Of limit | PyTorch | JAX | scikit-learn | Best peer |" in table
    # 20 µs for half of the work does not make the best peer.
    assert (
        "| W1: MLP | 1 | 40 µs | 50 µs ± 1.0% | 80% | 200 µs (fused) | 55 µs (scan) | 20 µs [1] "
        "| 1.1× |" in table
    )
    assert "[1] half of the work." in table
    assert "150 GFLOP/s (1)" in table
    assert "Left out: keras-fit (keras is not installed)." in table
    assert "Failed: torch-compile on W1, threads 1 (no g++)." in table
    assert "Disturbed" not in table


def test_a_comparison_without_limits_says_nothing_of_them(bench: Any) -> None:
    rows = [
        {name: value for name, value in row.items() if name != "limit"}
        for row in comparison()["results"]
    ]
    table = bench("report").comparison_table(comparison(results=rows, limits=[]))
    assert "| W1: MLP | 1 | - | 50 µs ± 1.0% | - | 200 µs (fused) |" in table
    assert "peak" not in table


def test_the_summary_has_the_chosen_rows_on_all_cores(bench: Any) -> None:
    report = bench("report")
    rows = [
        row | {"workload": name} for name in ("W3", "W1", "W6") for row in comparison()["results"]
    ]
    more = [row | {"threads": 2} for row in rows if row["workload"] != "W6"]
    table = report.summary_table(comparison(results=[*rows, *more]))
    lines = table.splitlines()
    assert lines[2:4] == ["| MLP | 50 µs | 200 µs | 55 µs | - | 20 µs | 1.1× |", ""]
    assert lines[4].endswith("2 threads; 2026-01-01.")
    single = report.summary_table(comparison(results=rows)).splitlines()
    assert len(single) == 6 and single[-1].endswith("1 thread; 2026-01-01.")


def test_images_by_themselves_have_files_of_their_own(bench: Any) -> None:
    report = bench("report")
    assert report.comparison_name(comparison()) == "compare_a-cpu-f1m2-2cores"
    assert report.comparison_name(comparison(kind="images")) == "images_a-cpu-f1m2-2cores"
    assert "(results/images_a-cpu-f1m2-2cores.png)" in report.comparison_part(
        comparison(kind="images")
    )


def test_results_are_put_between_the_markers(bench: Any, tmp_path: Path) -> None:
    report, page = bench("report"), tmp_path / "page.md"
    page.write_text(f"before\n\n{report.BEGIN}\nold\n{report.END}\n\nafter\n", encoding="utf-8")
    report.PAGES[page] = lambda: "new"
    try:
        assert report.replaced(page) == (
            f"before\n\n{report.BEGIN}\n\nnew\n\n{report.END}\n\nafter\n"
        )
        page.write_text("no markers", encoding="utf-8")
        with pytest.raises(SystemExit, match="must hold each marker once"):
            report.replaced(page)
    finally:
        del report.PAGES[page]


def test_peers_that_are_near_are_named(bench: Any) -> None:
    assert bench("report").not_ahead(comparison()) == ["W1, threads 1: 1.1× (JAX, scan)"]
    rows = [row for row in comparison()["results"] if row["library"] != "jax"]
    assert bench("report").not_ahead(comparison(results=rows)) == []


def test_a_disturbed_measurement_says_so(bench: Any) -> None:
    rows = comparison()["results"]
    rows[0]["cores_busy_by_others"] = 0.42
    table = bench("report").comparison_table(comparison(results=rows))
    assert "Disturbed: 1 of 6; other processes kept up to 0.42 cores busy." in table


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [(None, "-"), (0.0667, "66.7 ns"), (12.34, "12.3 µs"), (4030, "4.03 ms"), (2e6, "2 s")],
)
def test_durations_are_for_people(bench: Any, microseconds: float | None, text: str) -> None:
    assert bench("report").duration(microseconds) == text


def test_growth_tells_its_cliffs(bench: Any) -> None:
    report = bench("report")
    document = {"machine": MACHINE, "cliffs": {"width": [], "batch": []}, "results": []}
    document["method"] = {"base": "MLP", "threads": 2}
    figure = "(results/growth_a-cpu-f1m2-2cores.png)"
    assert f"against width and batch]{figure}" in report.growth_part(document)
    assert "MLP. No cliff" in report.growth_part(document)
    document["cliffs"]["batch"] = ["64: slow"]
    assert "Cliffs: batch 64: slow." in report.growth_part(document)


def test_growth_tells_where_each_peer_is_nearest(bench: Any) -> None:
    rows = [
        {"sweep": "hidden", "value": value, "library": library, "median": time}
        for value, library, time in (
            *((16, "mundur", 10.0), (16, "torch", 90.0), (16, "torch", 80.0)),
            *((17, "mundur", 11.0), (512, "mundur", 100.0), (512, "torch", 150.0)),
        )
    ]
    document = {"machine": MACHINE, "cliffs": {"hidden": []}, "results": rows}
    document["method"] = {"base": "LSTM", "network": "lstm"}
    text = bench("report").growth_part(document)
    assert "against hidden](results/growth_lstm_a-cpu-f1m2-2cores.png)" in text
    assert "PyTorch takes 1.5× (hidden 512) to 8× (hidden 16) mundur's time." in text
    assert "JAX" not in text


def test_memory_beyond_its_bound_is_marked(bench: Any) -> None:
    sizes = {"parameters_bytes": 1e6, "gradients_bytes": 1e6, "state_bytes": 2e6}
    sizes |= {"threads": 1, "workspace_bytes": 6e6, "allowance_bytes": 40e6}
    document = {"machine": MACHINE, "results": [sizes | {"growth_bytes": 50e6}]}
    assert "| 1 | 50.0 MB | 4.0 MB | 6.0 MB | 50.0 MB |" in bench("report").memory_table(document)
    document["results"][0]["growth_bytes"] = 51e6
    assert "| 51.0 MB (over) |" in bench("report").memory_table(document)


@pytest.mark.slow
def test_training_on_bytes_stays_within_its_bound() -> None:
    command = [sys.executable, str(BENCH / "memory.py"), "--threads", "1"]
    table = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100).stdout
    assert "| 1 | " in table and "(over)" not in table


def test_the_share_of_inputs_is_what_one_row_saves_and_its_copy(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bench("data")
    monkeypatch.setattr(data, "copy_milliseconds", lambda threads: 2.0)
    times = {"float32": 100.0, "uint8": 120.0, "one row": 92.0}
    cases = [
        SimpleNamespace(name=name, milliseconds=[time] * 3, others=[0.0] * 4)
        for name, time in times.items()
    ]
    result = data.to_json(cases, 1)
    assert [case["over_float32"] for case in result["cases"]] == [1.0, 1.2]
    assert [case["input_share"] for case in result["cases"]] == [0.1, 0.25]


def test_figures_are_drawn(bench: Any, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    bench("report").draw_comparison(comparison(), tmp_path / "compare.png")
    rows = [
        {"sweep": "width", "value": v, "library": "mundur", "median": time, "limit": time / 2}
        for v, time in ((16, 1.0), (32, 9.0), (64, 2.0))
    ]
    document = {
        "machine": MACHINE,
        "method": {"base": "MLP", "threads": 2},
        "cliffs": {"width": ["32"]},
        "results": rows,
    }
    bench("growth").draw(document, tmp_path / "growth.png")
    assert all((tmp_path / f"{name}.png").stat().st_size > 1000 for name in ("compare", "growth"))
