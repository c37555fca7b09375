"""The 2-2-2 example: known to 1e-12, and against the formulas written out weight by weight."""

import math

import pytest
from mundur.reference.worked_example import worked_example


def exact(value):
    return pytest.approx(value, rel=0, abs=1e-12)


def written_out():
    """One update with frozen biases, without a layer, a list or a loop."""
    i1, i2, t1, t2, b1, b2, eta = 0.05, 0.10, 0.01, 0.99, 0.35, 0.60, 0.5
    w1, w2, w3, w4, w5, w6, w7, w8 = 0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55
    h1 = 1 / (1 + math.exp(-(w1 * i1 + w2 * i2 + b1)))
    h2 = 1 / (1 + math.exp(-(w3 * i1 + w4 * i2 + b1)))
    o1 = 1 / (1 + math.exp(-(w5 * h1 + w6 * h2 + b2)))
    o2 = 1 / (1 + math.exp(-(w7 * h1 + w8 * h2 + b2)))
    d_o1 = (o1 - t1) * o1 * (1 - o1)
    d_o2 = (o2 - t2) * o2 * (1 - o2)
    d_h1 = (d_o1 * w5 + d_o2 * w7) * h1 * (1 - h1)
    d_h2 = (d_o1 * w6 + d_o2 * w8) * h2 * (1 - h2)
    return {
        "forward": {"h1": h1, "h2": h2, "o1": o1, "o2": o2},
        "deltas": {"δ_o1": d_o1, "δ_o2": d_o2, "δ_h1": d_h1, "δ_h2": d_h2},
        "weights": {
            "w1": w1 - eta * d_h1 * i1,
            "w2": w2 - eta * d_h1 * i2,
            "w3": w3 - eta * d_h2 * i1,
            "w4": w4 - eta * d_h2 * i2,
            "w5": w5 - eta * d_o1 * h1,
            "w6": w6 - eta * d_o1 * h2,
            "w7": w7 - eta * d_o2 * h1,
            "w8": w8 - eta * d_o2 * h2,
        },
    }


def test_against_the_formulas_written_out():
    values = worked_example()
    for section, expected in written_out().items():
        given = getattr(values, section)
        assert {name: given[name] for name in expected} == {
            name: exact(value) for name, value in expected.items()
        }


def test_known_figures():
    values = worked_example()
    assert values.forward["z_h1"] == exact(0.3775)
    assert values.forward["o1"] == exact(0.7513650695523157)
    assert values.forward["o2"] == exact(0.7729284653214625)
    assert values.error == exact(0.2983711087600027)
    assert values.gradients["∂E/∂w5"] == exact(0.08216704056423077)
    assert values.gradients["∂E/∂w1"] == exact(0.0004385677344743)
    assert values.error_after == exact(0.2910277736935993)


def test_names_and_their_order():
    values = worked_example()
    weights = [f"w{i}" for i in range(1, 9)]
    assert list(values.forward) == ["z_h1", "h1", "z_h2", "h2", "z_o1", "o1", "z_o2", "o2"]
    assert list(values.gradients) == [f"∂E/∂{w}" for w in weights]
    assert list(values.weights) == [*weights, "b1", "b1′", "b2", "b2′"]


def test_frozen_biases_stay_and_trained_ones_follow_delta():
    frozen, trained = worked_example(), worked_example(train_biases=True)
    assert [frozen.weights[b] for b in ("b1", "b1′", "b2", "b2′")] == [0.35, 0.35, 0.60, 0.60]
    for bias, unit, before in (("b1", "h1", 0.35), ("b1′", "h2", 0.35), ("b2", "o1", 0.60)):
        delta = trained.deltas[f"δ_{unit}"]
        assert trained.gradients[f"∂E/∂{bias}"] == delta
        assert trained.weights[bias] == exact(before - 0.5 * delta)


def test_the_first_update_with_trained_biases():
    assert worked_example(train_biases=True).error_after == exact(0.28047144679143016)


@pytest.mark.slow  # the native half comes there in each run
@pytest.mark.parametrize(
    ("train_biases", "error"), [(False, 3.510187782978859e-5), (True, 2.44756223593e-6)]
)
def test_ten_thousand_updates(train_biases, error):
    found = worked_example(10_000, train_biases).error_after
    assert found == exact(error)
    assert found == pytest.approx(error, rel=1e-9)


def test_bad_updates():
    with pytest.raises(ValueError, match="updates must be >= 1; got 0"):
        worked_example(0)
