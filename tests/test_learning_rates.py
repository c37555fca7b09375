"""find_learning_rate: the sweep is training, the model comes back, the suggestion makes sense."""

from __future__ import annotations

from typing import Any

import mundur as md
import numpy as np
import pytest

from states import training_state


@pytest.mark.parametrize("rule", [md.optimizers.SGD(0.05, 0.9), md.optimizers.Adam()], ids=repr)
@pytest.mark.parametrize("epochs", [0, 2])
def test_the_model_comes_back(rule: Any, epochs: int, blobs: Any, classifier: Any) -> None:
    x, y = blobs

    def made() -> md.Model:
        own = type(rule).from_config(rule.get_config())
        model: md.Model = classifier(own, dropout=0.3)
        if epochs:
            model.fit(x, y, epochs=epochs, verbose=0)
        else:
            model.build((None, 4))
        return model

    swept, plain = made(), made()
    found = swept.find_learning_rate(x, y, steps=37)
    assert len(found.rates) == len(found.losses) == 37
    assert training_state(swept) == training_state(plain)
    pair = [model.fit(x, y, epochs=2, verbose=0).history for model in (swept, plain)]
    assert pair[0] == pair[1]
    assert training_state(swept) == training_state(plain)


def test_the_sweep_is_training(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    found = classifier(md.optimizers.SGD()).find_learning_rate(
        x, y, 100, min_rate=1e-3, max_rate=1.0, steps=4
    )
    assert found.rates.tolist() == pytest.approx([1e-3, 1e-2, 1e-1, 1.0])
    twin = classifier(md.optimizers.SGD())
    twin.build((None, 4))
    losses = []
    for step, rate in enumerate(found.rates):
        order = md._core.permutation(300, 7, step // 3)
        batch = order[100 * (step % 3) : 100 * (step % 3 + 1)]
        twin.optimizer.learning_rate = rate
        losses.append(twin.train_on_batch(x[batch], y[batch])[0])
    assert repr(found).startswith("<LearningRates: 4 from 0.001 to 1, suggestion ")
    rates, found_losses = found
    assert rates is found.rates
    assert found_losses.tolist() == losses


def test_it_ends_where_the_loss_diverges(rng: Any) -> None:
    x = rng.normal(size=(256, 3))
    y = x @ [1.0, -2.0, 0.5]
    model = md.Model([md.layers.Dense(1)], seed=0)
    model.compile(md.optimizers.SGD(), "mse")
    found = model.find_learning_rate(x, y, min_rate=1e-5, max_rate=1e9)
    assert len(found.rates) < 100
    # Rates are stable below 2 over the largest curvature, which is about 2 for such inputs.
    assert 1e-3 < found.suggestion < 0.5
    assert found.suggestion == found.rates[np.argmin(found.smoothed)] / 10
    huge = model.find_learning_rate(x, y, min_rate=1e25, max_rate=1e30, steps=9)
    assert not np.isfinite(huge.losses[-1])
    assert huge.suggestion == huge.rates[0] / 10
    assert np.isfinite(model.get_weights()[0]).all()


def test_plot(blobs: Any, classifier: Any) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    found = classifier().find_learning_rate(*blobs, steps=20)
    axes = found.plot()
    dots, line, mark = axes.get_lines()
    assert dots.get_ydata().tolist() == found.losses.tolist()
    assert line.get_ydata().tolist() == found.smoothed.tolist()
    assert mark.get_xdata()[0] == found.suggestion
    assert axes.get_xscale() == "log"
    assert found.plot(axes) is axes
    pyplot.close("all")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"min_rate": 0}, "min_rate must be"),
        ({"min_rate": 1e-2, "max_rate": 1e-3}, "max_rate must be"),
        ({"steps": 1}, "steps must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"rate": 1}, "no argument 'rate'"),
    ],
)
def test_bad_arguments(options: Any, words: str, blobs: Any, classifier: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        classifier().find_learning_rate(*blobs, **options)


def test_bad_data_changes_nothing(blobs: Any, classifier: Any) -> None:
    x, y = blobs
    model = classifier()
    model.fit(x, y, verbose=0)
    before = training_state(model)
    broken = x.copy()
    broken[250, 2] = np.nan
    with pytest.raises(ValueError, match="x must be finite"):
        model.find_learning_rate(broken, y)
    assert training_state(model) == before
    with pytest.raises(RuntimeError, match="compile"):
        md.Model([md.layers.Dense(3)], seed=0).find_learning_rate(x, y)
