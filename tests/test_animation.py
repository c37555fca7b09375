"""Animations of trainings: what is kept, what is shown, what is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import mundur as md
import numpy as np
import pytest

D = md.layers.Dense
X, Y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


@pytest.fixture(autouse=True)
def _headless() -> Iterator[None]:
    matplotlib.use("Agg")
    yield
    from matplotlib import pyplot

    pyplot.close("all")


def xor(units: int = 4, seed: int = 1) -> md.Model:
    model = md.Model([D(units, "tanh"), D(1, "sigmoid")], seed=seed)
    model.compile(md.optimizers.Adam(0.1), "binary_crossentropy")
    return model


def trained(epochs: int = 8, **options: Any) -> tuple[md.callbacks.Snapshots, md.History]:
    snapshots = md.callbacks.Snapshots(X, Y, **options)
    model = xor()
    history = model.fit(
        X, Y, epochs=epochs, validation_data=(X, Y), verbose=0, callbacks=[snapshots]
    )
    return snapshots, history


# ---- what is kept -------------------------------------------------------------------------------


@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 8, 9, 40, 100, 257])
@pytest.mark.parametrize("frames", [3, 4, 7, 60])
def test_snapshots_are_bounded_and_even(epochs: int, frames: int) -> None:
    snapshots, _ = trained(epochs, frames=frames)
    at = [snapshot.epochs for snapshot in snapshots.taken]
    assert at[0] == 0 and at[-1] == epochs
    assert len(at) <= frames and len(at) >= min(frames / 2, epochs + 1)
    assert len(set(np.diff(at[:-1]).tolist())) <= 1
    assert 0 < at[-1] - at[-2] <= max(at[1], 1)


def test_snapshots_hold_the_model_of_their_epochs_and_change_nothing() -> None:
    snapshots, history = trained(8, frames=5)
    for snapshot in snapshots.taken:
        alone = xor()
        if snapshot.epochs:
            losses = alone.fit(X, Y, epochs=snapshot.epochs, verbose=0).history["loss"]
            assert snapshot.logs["loss"] == losses[-1] == history.history["loss"][len(losses) - 1]
        else:
            alone.build((2,))
        for mine, theirs in zip(snapshot.weights, alone.get_weights(), strict=True):
            assert np.array_equal(mine, theirs)


def test_the_room_for_weights_is_bounded() -> None:
    size = sum(weight.nbytes for weight in trained(1)[0].taken[0].weights)
    snapshots, _ = trained(30, megabytes=5.5 * size / 2**20)
    assert len(snapshots.taken) <= 5
    with pytest.raises(ValueError, match="megabytes must hold three snapshots"):
        trained(1, megabytes=2.5 * size / 2**20)


def test_a_second_training_starts_anew_wherever_it_begins() -> None:
    snapshots, _ = trained(5)
    snapshots.model.fit(X, Y, epochs=9, initial_epoch=6, verbose=0, callbacks=[snapshots])
    assert [snapshot.epochs for snapshot in snapshots.taken] == [6, 7, 8, 9]


def test_the_last_epoch_is_kept_however_training_ends() -> None:
    snapshots, model = md.callbacks.Snapshots(X, frames=4), xor()
    stop = md.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", epoch == 10)
    )
    model.fit(X, Y, epochs=99, verbose=0, callbacks=[stop, snapshots])
    assert snapshots.taken[-1].epochs == 11


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"y": Y}, "y needs an x"),
        ({"x": X, "y": Y[:3]}, "same number of samples"),
        ({"x": 3.0}, "x must hold samples"),
        ({"x": X[:0]}, "x must hold samples"),
        ({"x": [["a"]]}, "x must"),
        ({"frames": 2}, "frames must be"),
        ({"frames": 2.5}, "frames must be"),
        ({"megabytes": 0}, "megabytes must be"),
    ],
)
def test_bad_snapshots(arguments: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        md.callbacks.Snapshots(**arguments)


# ---- what is shown ------------------------------------------------------------------------------


def test_panels_change_with_the_frames() -> None:
    snapshots, history = trained(8)
    shown = md.plots.animate(snapshots)
    border, network, loss = shown.figure.axes
    assert shown.frames == 9
    assert shown.figure.get_suptitle() == f"epoch 8: loss {history.history['loss'][-1]:.4f}"
    for frame in (0, 3, 8):
        shown.draw(frame)
        assert shown.figure.get_suptitle().startswith(f"epoch {frame}")
        model = xor()
        model.fit(X, Y, epochs=max(frame, 1), verbose=0)
        model.set_weights(snapshots.taken[frame].weights)
        image = np.asarray(border.images[0].get_array())
        from matplotlib import pyplot

        axis = pyplot.figure().add_subplot()
        md.plots.decision_boundary(model, X, Y, resolution=100, axes=axis)
        assert np.array_equal(image, np.asarray(axis.images[0].get_array()))
        widths = [line.get_linewidth() for line in network.lines]
        axis = md.plots.network(model)
        assert widths == [line.get_linewidth() for line in axis.lines]
        curve = next(line for line in loss.lines if line.get_label() == "training")
        assert list(curve.get_ydata()) == history.history["loss"][:frame]
    assert "validation" in [line.get_label() for line in loss.lines]
    # The model that was trained is none of the animation's business.
    for mine, last in zip(snapshots.model.get_weights(), snapshots.taken[8].weights, strict=True):
        assert np.array_equal(mine, last)


def test_nothing_covers_the_title_of_the_weights() -> None:
    from matplotlib import pyplot

    with pyplot.rc_context({"font.size": 13}):
        figure = md.plots.animate(trained(2)[0]).figure
        figure.draw_without_rendering()
    axis = next(axis for axis in figure.axes if axis.get_title() == "weights")
    title = axis.title.get_window_extent()
    assert not any(title.overlaps(text.get_window_extent()) for text in axis.texts)
    assert title.y1 < figure._suptitle.get_window_extent().y0
    pyplot.close(figure)


def test_axes_stand_still() -> None:
    snapshots, _ = trained(5)
    shown = md.plots.animate(snapshots)
    limits = set()
    for frame in range(shown.frames):
        shown.draw(frame)
        limits.add(tuple((*axis.get_xlim(), *axis.get_ylim()) for axis in shown.figure.axes))
    assert len(limits) == 1


def test_a_history_shows_its_losses() -> None:
    history = trained(300)[1]
    shown = md.plots.animate(history, most=7)
    assert shown.frames == 7 and len(shown.figure.axes) == 1
    assert shown.figure.get_suptitle().startswith("epoch 300: loss")
    shown.draw(0)
    assert shown.figure.get_suptitle().startswith("epoch 1: loss")


def test_panels_that_are_asked_for() -> None:
    snapshots, _ = trained(2)
    shown = md.plots.animate(snapshots, ["loss", "weights"])
    assert [axis.get_title() for axis in shown.figure.axes] == ["", "weights"]
    assert len(md.plots.animate(snapshots, "boundary").figure.axes) == 1


def test_of_other_models_what_can_be_shown_is() -> None:
    def panels(layers: list[Any], shape: tuple[int, ...], x: Any = None) -> list[str]:
        model, data = md.Model(layers, seed=0), np.ones((3, *shape))
        model.compile("sgd", "mse")
        snapshots = md.callbacks.Snapshots(x)
        model.fit(data, np.ones((3, 1)), epochs=1, verbose=0, callbacks=[snapshots])
        return [axis.get_ylabel() for axis in md.plots.animate(snapshots).figure.axes]

    assert panels([D(1)], (2,)) == ["", "loss"]
    assert panels([D(1)], (3,), np.ones((2, 3))) == ["", "loss"]
    assert panels([md.layers.LSTM(1)], (4, 2)) == ["loss"]


def test_labels_and_buttons_in_indonesian(tmp_path: Path) -> None:
    snapshots, _ = trained(3)
    shown = md.plots.animate(snapshots, language="id")
    border, network, loss = shown.figure.axes
    for frame in (0, 3):
        shown.draw(frame)
        assert border.get_xlabel() == "fitur pertama"
        assert network.get_title() == "bobot"
        assert loss.get_ylabel() == "galat"
        assert "pelatihan" in [text.get_text() for text in loss.get_legend().texts]
    assert "galat" in shown.figure.get_suptitle()
    assert "putar atau hentikan" in shown.to_html(dpi=20)


def test_what_cannot_be_animated() -> None:
    snapshots, history = trained(1)
    animate = md.plots.animate
    for source in (None, {"loss": [1.0]}, snapshots.model, md.callbacks.Snapshots):
        with pytest.raises((TypeError, ValueError), match="source must be"):
            animate(source)
    with pytest.raises(ValueError, match="source must have seen a training"):
        animate(md.callbacks.Snapshots(X))
    with pytest.raises(ValueError, match="source must hold losses"):
        animate(md.History())
    with pytest.raises(ValueError, match=r"show cannot have 'weights'.*Snapshots"):
        animate(history, ["weights"])
    with pytest.raises(ValueError, match="show must be of 'boundary', 'weights', 'loss'; got 'bo"):
        animate(snapshots, ["boundry"])
    with pytest.raises(ValueError, match="show must name"):
        animate(snapshots, [])
    with pytest.raises(TypeError, match="show must be a list"):
        animate(snapshots, 3)
    snapshots.x = None
    with pytest.raises(ValueError, match="'boundary': it needs samples"):
        animate(snapshots, ["boundary"])
    snapshots.x = np.ones((3, 4))
    with pytest.raises(ValueError, match="samples of two features"):
        animate(snapshots, ["boundary"])
    for arguments in ({"fps": 0}, {"most": 1}, {"language": "de"}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            animate(history, **arguments)


def test_graphs_have_no_weights_to_show() -> None:
    x = md.Input((2,))
    model = md.Model(x, D(1)(md.layers.Add()([x, D(2)(x)])))
    model.compile("sgd", "mse")
    snapshots = md.callbacks.Snapshots(X, Y)
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[snapshots])
    assert len(md.plots.animate(snapshots).figure.axes) == 2
    with pytest.raises(ValueError, match=r"show cannot have 'weights'.*graph"):
        md.plots.animate(snapshots, ["weights"])


# ---- what is written ----------------------------------------------------------------------------


@pytest.mark.slow
def test_gifs_have_their_frames(tmp_path: Path) -> None:
    from PIL import Image

    shown = md.plots.animate(trained(4)[0], ["boundary", "loss"], fps=5)
    path = tmp_path / "a.gif"
    shown.save(path, dpi=40)
    with Image.open(path) as picture:
        assert picture.format == "GIF"
        assert getattr(picture, "n_frames", 1) == 5
        assert picture.info["duration"] == 200 and picture.info["loop"] == 0
        first = np.asarray(picture.convert("RGB"))
        picture.seek(4)
        assert (np.asarray(picture.convert("RGB")) != first).any()
    with pytest.raises(FileExistsError):
        shown.save(path, overwrite=False)


def test_pages_ask_nobody_for_anything(tmp_path: Path) -> None:
    shown = md.plots.animate(trained(3)[1])
    shown.save(tmp_path / "a.html", dpi=20)
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == shown.frames == 3
    assert not re.findall(r"https?://|<script|<link", page)
    assert page.count("display:none") == 2
    assert shown._repr_html_().count("<img") == 3


@pytest.mark.browser
def test_the_player_in_a_browser(chromium: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    md.plots.animate(trained(3)[1], fps=20).save(path, dpi=20)
    page = chromium.new_page()
    page.goto(path.as_uri())

    def shown() -> Any:
        """The pictures that are seen, and where the slider stands."""
        seen = "all => all.flatMap((one, n) => one.style.display == 'block' ? [n] : [])"
        return page.eval_on_selector_all("img", seen), page.input_value("input")

    assert shown() == ([0], "0")
    page.click("button")
    page.wait_for_function("() => document.querySelector('button').timer === null")
    assert shown() == ([2], "2")
    page.press("input", "ArrowLeft")
    assert shown() == ([1], "1")
    page.close()


@pytest.mark.parametrize("name", ["a", "a.mp4", "a.png", ""])
def test_other_endings(name: str) -> None:
    shown = md.plots.animate(trained(1)[1])
    with pytest.raises(ValueError, match="path must"):
        shown.save(name)


def test_animations_of_ones_own() -> None:
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(1, 1))
    drawn: list[int] = []
    shown = md.plots.Animation(figure, drawn.append, 3)
    assert drawn == [2]
    shown.to_html(dpi=20)
    assert drawn == [2, 0, 1, 2]
    for arguments, words in (
        ((axis, drawn.append, 3), "figure must be"),
        ((figure, 3, 3), "draw must be callable"),
        ((figure, drawn.append, 0), "frames must be"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            md.plots.Animation(*arguments)
