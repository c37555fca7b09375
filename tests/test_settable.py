"""Whatever can be set can be saved and loaded, or can't be set: a law over many values."""

from __future__ import annotations

import copy
import gc
import inspect
import math
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, get_type_hints

import mundur as md
import numpy as np
import pandas as pd
import pytest
from mundur import (
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from mundur._support.names import argument_names, constructor  # of every class, one by one
from mundur.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from mundur.callbacks.monitors import Monitor  # every callback that watches a number
from mundur.layers.merging import Merging  # which take several values
from mundur.saving import format as files  # a copy through bytes
from mundur.text import TextClassifier, Vocabulary

from cells import one_of

# fmt: off
ODD = [
    None, True, False, -1, 0, 1, 2, 2**31, 2**63 - 1, 2**63, 2**64, 10**400, -0.0, 0.5, 1e308,
    1e-320, math.nan, math.inf, "", "a", "a/b", "\ud800", "a\nb", b"x", [], (), {}, [1], [None],
    ["x"], (1, 2), 1j, object(), len, np.float32(0.1), np.float64(0.1), np.int64(3), np.uint8(1),
    np.bool_(True), np.str_("a"), np.array([1.0, 2.0]), np.array(["a"]), np.array(0.5), pd.NA,
    pd.NaT, np.longdouble(1) / 3,
]
# fmt: on
FEW = [None, True, -1, 2**63, 2**64, math.nan, math.inf, "", "a/b", b"x", np.float32(1), pd.NA]


def reloaded(model: md.Model) -> md.Model:
    return files.from_bytes(files.to_bytes(model), {"abs": abs})


def equal(one: Any, two: Any) -> bool:
    """Equal, NaN to NaN."""
    if isinstance(one, list):
        return isinstance(two, list) and all(map(equal, one, two)) and len(one) == len(two)
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, two, equal_nan=True))
    return type(one) is type(two) and (one == two or (one != one and two != two))


def compiled(optimizer: Any = "sgd") -> md.Model:
    model = md.Model([md.layers.Dense(2), md.layers.Dropout(0.1)], input_shape=(3,), seed=0)
    model.compile(optimizer, "mse")
    return model


def settable(thing: object) -> list[str]:
    """The public names that can be set; those of a class's plain attributes are tried."""
    cls = type(thing)
    public = [name for name in dir(cls) if not name.startswith("_")]
    found = [n for n in public if getattr(getattr(cls, n), "fset", None)]
    for name in vars(thing):
        if name.startswith("_"):
            continue
        try:
            setattr(thing, name, vars(thing)[name])
        except AttributeError:
            continue
        found.append(name)
    return found


def law(thing: object, name: str, model: md.Model, again: Callable[[md.Model], object]) -> None:
    """Each value is refused with the attribute's name, or comes back."""
    for value in ODD:
        before = getattr(thing, name)
        try:
            setattr(thing, name, value)
        except (TypeError, ValueError) as error:
            assert name in str(error), (name, value)
            assert equal(getattr(thing, name), before)
            continue
        found = getattr(again(reloaded(model)), name)
        assert equal(found, getattr(thing, name)), (name, value)


# Not kept in files: what the last fit left behind, and how the next one is told to end.
LEFT_OUT = {"history", "stop_training"}


def test_models() -> None:
    names = set(settable(compiled())) - LEFT_OUT
    assert names == {"device", "name", "epochs_begun", "trainable"}
    for name in names:
        model = compiled()
        law(model, name, model, lambda other: other)
    with pytest.raises(AttributeError, match="lock of a Model is fixed"):
        model.lock = 5


@pytest.mark.parametrize("case", [5, "", "a/b", None, b"x"])
def test_names_of_models(case: Any) -> None:
    model = compiled()
    with pytest.raises((TypeError, ValueError), match="name must be"):
        model.name = case
    assert model.name == "model"


@pytest.mark.parametrize("case", ["a", "a5", "f4,a5", "|a5", "", "x", "float16", "(2,)f4"])
def test_types_of_models(case: str) -> None:
    with pytest.raises(ValueError, match='dtype must be "float32" or "float64"; got'):  # no warning
        md.Model(dtype=case)


@pytest.mark.parametrize("case", [-1, 1.5, True, 2**63, "1", None])
def test_epochs_begun(case: Any) -> None:
    model = compiled()
    with pytest.raises((TypeError, ValueError), match="epochs_begun must be"):
        model.epochs_begun = case
    assert model.epochs_begun == 0


@pytest.mark.parametrize("name", sorted(optimizers.CLASS_NAMES))
def test_optimizers(name: str) -> None:
    for attribute in settable(optimizers.CLASS_NAMES[name](0.1)):
        rule = optimizers.CLASS_NAMES[name](0.1)
        law(rule, attribute, compiled(rule), lambda other: other.optimizer)


# ---- what is made of arguments ------------------------------------------------------------------

REQUIRED: dict[str, Any] = {
    "activation": "relu",
    "boundaries": [1],
    "decay_rate": 0.5,
    "decay_steps": 10,
    "dims": (2, 1),
    "filters": 2,
    **dict.fromkeys(("factor", "height_factor", "width_factor"), 0.25),
    "first_decay_steps": 5,
    **dict.fromkeys(("height", "width"), 3),
    "initial_learning_rate": 0.1,
    "input_dim": 5,
    "kernel_size": 1,
    "max_learning_rate": 0.5,
    "n": 3,
    "num_classes": 3,
    "num_tokens": 3,
    "target_class_ids": [0],
    **dict.fromkeys(("precision", "recall", "sensitivity", "specificity"), 0.5),
    "output_dim": 2,
    "pool_size": 2,
    "rate": 0.25,
    "scale": 0.5,
    "steps": 9,
    "stddev": 0.1,
    "target_shape": (-1,),
    "total_steps": 9,
    "units": 2,
    "values": [0.1, 0.2],
    "warmup_steps": 3,
}


def arguments(cls: type) -> dict[str, Any]:
    required = [
        name for name, value in constructor(cls).items() if value is inspect.Parameter.empty
    ]
    found = {name: REQUIRED.get(name) for name in required}
    made: dict[str, Any] = {
        "layer": layers.LSTM(2) if cls is layers.Bidirectional else layers.Dense(2),
        "layers": [layers.Dense(2)],
        "after": 0.1,
        "axes": 1,
        "function": abs,
    }
    return {name: made.get(name, value) for name, value in found.items()}


def with_layer(layer: Any) -> md.Model:
    if isinstance(layer, Merging):
        x = md.Input((4,))
        return md.Model(x, layer([x, x]), seed=0)
    model = md.Model([layer], seed=0)
    for shape in ((4, 3), (3,), (4,)):
        try:
            model.build(shape)
            break
        except (ValueError, TypeError, MemoryError):
            continue
    return model


def with_optimizer(rule: Any) -> md.Model:
    return compiled(rule)


def with_loss(loss: Any) -> md.Model:
    model = md.Model([layers.Dense(1)], seed=0)
    model.compile("sgd", loss)
    return model


def with_metric(metric: Any) -> md.Model:
    model = md.Model([layers.Dense(1)], seed=0)
    model.compile("sgd", "mse", metrics=[metric])
    return model


LAYERS: dict[str, type] = {name: getattr(layers, name) for name in layers.KNOWN}

KINDS: dict[str, tuple[dict[str, type], Callable[[Any], md.Model]]] = {
    "layers": (LAYERS, with_layer),
    "optimizers": (optimizers.CLASS_NAMES, with_optimizer),
    "losses": (losses.CLASS_NAMES, with_loss),
    "metrics": (metrics.CLASS_NAMES, with_metric),
    "initializers": (
        {cls.__name__: cls for cls in initializers.KNOWN.values()},
        lambda one: with_layer(layers.Dense(1, kernel_initializer=one)),
    ),
    "regularizers": (
        regularizers.CLASS_NAMES,
        lambda one: with_layer(layers.Dense(1, kernel_regularizer=one)),
    ),
    "constraints": (
        constraints.CLASS_NAMES,
        lambda one: with_layer(layers.Dense(1, kernel_constraint=one)),
    ),
    "schedules": (
        {
            name: cls
            for name, cls in vars(schedules).items()
            if isinstance(cls, type) and "rates" in vars(cls) and name != "BuiltIn"
        },
        lambda one: compiled(optimizers.SGD(one)),
    ),
}


def odd_pieces(cls: type, full: bool) -> Iterator[tuple[str, Any, Any]]:
    for name in argument_names(cls.__init__):  # type: ignore[misc]
        for value in FEW:
            if not (full or one_of(3, f"{cls.__name__} {name} {value}")):
                continue
            try:
                yield name, value, cls(**arguments(cls) | {name: value})
            except (TypeError, ValueError):
                continue


@pytest.mark.parametrize("kind", KINDS)
def test_arguments_that_were_taken_come_back(kind: str, full: bool) -> None:
    classes, model_of = KINDS[kind]
    for cls in classes.values():
        assert model_of(cls(**arguments(cls))) is not None
        for name, value, piece in odd_pieces(cls, full):
            try:
                model = model_of(piece)
            except (TypeError, ValueError):
                continue
            other, told = reloaded(model), (cls.__name__, name, value)
            assert repr(other) == repr(model), told
            assert repr(other.optimizer) == repr(model.optimizer), told
            assert (repr(other.loss), repr(other.metrics)) == (
                repr(model.loss),
                repr(model.metrics),
            ), told
            assert files.to_bytes(other) == files.to_bytes(model), told


@pytest.mark.parametrize(
    "values", [np.float16([1, 2]), np.int8([1, 2]), [1, 2], np.float32([1, 2])]
)
def test_the_type_of_initial_values_stays(values: Any) -> None:
    model = md.Model([layers.Dense(2, bias_initializer=values)], seed=0)
    assert files.to_bytes(reloaded(model)) == files.to_bytes(model)


@pytest.mark.parametrize(
    "values", [np.arange(6.0).reshape(2, 3).T, np.ones((3, 4))[:, ::2], np.ones((6, 2))[::-2]]
)
def test_initial_values_lie_as_they_like(values: Any) -> None:
    model = md.Model([layers.Dense(2, kernel_initializer=values)], seed=0, input_shape=(3,))
    other = reloaded(model)
    assert np.array_equal(other.layers[0].kernel_initializer.values, values)
    assert np.array_equal(other.get_weights()[0], model.get_weights()[0])
    assert repr(copy.deepcopy(model)) == repr(model)


def test_best_weights_lie_as_they_like(tmp_path: Path) -> None:
    path, watch = tmp_path / "model.st", EarlyStopping("loss")
    change = Set(watch, "best_weights", [np.ones((3, 2)).T * [[1.0], [2.0]], np.ones(2)])
    check = ModelCheckpoint(path, save_freq=2)
    model, x = compiled(), np.ones((4, 3))
    with pytest.raises(ValueError, match="dense/kernel must have shape"):  # at the end
        model.fit(x, np.ones((4, 2)), 2, verbose=0, callbacks=[watch, change, check])
    place = md.load_model(path)._place
    assert place is not None
    assert equal(place.callbacks[0]["best_weights"], change.held)


# ---- freezing -----------------------------------------------------------------------------------


def test_freezing() -> None:
    inner = layers.TimeDistributed(layers.Dense(2))
    for layer, parameter in ((layers.Dense(2), "kernel"), (inner, "dense/kernel")):
        for value in ODD:
            if isinstance(value, (bool, np.bool_)):
                layer.set_trainable(parameter, value)
                assert layer.is_trainable(parameter) == value
                continue
            with pytest.raises(TypeError, match="value must be True or False"):
                layer.set_trainable(parameter, value)
        for name in ("nothing", "", 5, None):
            with pytest.raises(ValueError, match="has no parameter"):
                layer.set_trainable(name, True)


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_layers(name: str) -> None:
    cls = LAYERS[name]
    layer = cls(**arguments(cls))
    assert settable(layer) == ["trainable"]
    law(layer, "trainable", with_layer(layer), lambda other: other.layers[0])


# ---- callbacks, which files keep in the place of a training -------------------------------------


class Set(md.Callback):
    """Sets an attribute after the first batch."""

    def __init__(self, target: Any, name: str, value: Any) -> None:
        self.target, self.name, self.value = target, name, value
        self.held: Any = None

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 0:
            setattr(self.target, self.name, self.value)
            self.held = getattr(self.target, self.name)


CALLBACKS = (EarlyStopping, ReduceLROnPlateau, ModelCheckpoint)
COUNTED = [(cls, name) for cls in CALLBACKS for name in ("monitor", *cls._counters)]


@pytest.mark.parametrize(("cls", "name"), COUNTED)
def test_callbacks(cls: Any, name: str, tmp_path: Path) -> None:
    path, x = tmp_path / "model.st", np.ones((4, 3))
    for value in ODD:
        callback = cls(tmp_path / "other.st", "loss") if cls is ModelCheckpoint else cls("loss")
        before = getattr(callback, name)
        try:
            setattr(callback, name, value)
        except (TypeError, ValueError) as error:
            assert name in str(error), (name, value)
            assert equal(getattr(callback, name), before)
            continue
        setattr(callback, name, before)
        change, check = Set(callback, name, value), ModelCheckpoint(path, save_freq=2)
        with suppress(ValueError):  # a nonsense that the callback itself meets after the epoch
            compiled().fit(*(x, np.ones((4, 2)), 2), verbose=0, callbacks=[callback, change, check])
        place = md.load_model(path)._place
        assert place is not None
        kept = next(c for c in place.callbacks if c["class"] == cls.__name__)
        assert equal(kept[name], change.held), (name, value)
        path.unlink()


def test_every_counter_is_checked() -> None:
    for cls in CALLBACKS:
        assert issubclass(cls, Monitor)
        for name in cls._counters:
            with pytest.raises((TypeError, ValueError), match=f"{name} must be"):
                setattr(cls("loss"), name, "nonsense")


# ---- texts --------------------------------------------------------------------------------------


def test_vocabularies_and_classifiers_are_what_they_were_made_with() -> None:
    vocabulary = Vocabulary(9).fit(["a good one", "a poor one"])
    for name in ("max_size", "min_count", "lowercase", "punctuation"):
        with pytest.raises(AttributeError, match=f"{name} of a Vocabulary is fixed"):
            setattr(vocabulary, name, getattr(vocabulary, name))
    classifier = TextClassifier(vocabulary=vocabulary, length=2)
    for name in ("model", "vocabulary", "length"):
        with pytest.raises(AttributeError, match=f"{name} of a TextClassifier is fixed"):
            setattr(classifier, name, None)
    with pytest.raises(AttributeError, match="no attribute 'lenght'; did you mean 'length'"):
        classifier.lenght = 5


@pytest.mark.parametrize("value", [value for value in ODD if value is not None])
def test_arguments_of_a_classifier(value: Any) -> None:
    for name in ("seed", "padding", "truncating", "optimizer", "length", "vocabulary", "model"):
        try:
            TextClassifier(**{name: value})
        except (TypeError, ValueError) as error:
            assert ("layer" if name == "model" else name) in str(error), value


def test_what_constructors_share_is_in_every_signature() -> None:
    for cls in (*LAYERS.values(), *optimizers.CLASS_NAMES.values()):
        assert tuple(inspect.signature(cls).parameters) == argument_names(cls.__init__)  # type: ignore[misc]
    assert repr(optimizers.SGD(0.1, 0.5, False, 0.01)) == repr(
        optimizers.SGD(0.1, 0.5, weight_decay=0.01)
    )
    with pytest.raises(TypeError, match="too many positional"):
        optimizers.SGD(*[0.1] * 20)
    with pytest.raises(TypeError, match="multiple values for argument 'weight_decay'"):
        optimizers.SGD(0.1, 0.5, False, 0.1, weight_decay=0.01)  # type: ignore[misc]


def test_subclasses_of_the_users_have_their_own_signatures() -> None:
    class Own(layers.Dense):
        def __init__(this, width: int, *, q: int = 1) -> None:
            super().__init__(width)

        @property
        def broken(self) -> int:
            return self.nope  # type: ignore[attr-defined, no-any-return]

    class Made(layers.Dense):
        def __new__(cls, units: int, extra: int) -> Any:
            return super().__new__(cls)

    assert (
        tuple(inspect.signature(Own).parameters) == argument_names(Own.__init__) == ("width", "q")
    )
    assert tuple(inspect.signature(Made).parameters) == ("units", "extra")
    with pytest.raises(AttributeError, match="nope"):
        Own(2).broken  # noqa: B018
    gone = weakref.ref(Own)
    del Own
    gc.collect()
    assert gone() is None
    assert "LayerArguments" in str(get_type_hints(layers.Dropout.__init__)["layer"])


@pytest.mark.parametrize(
    "attempt",
    [
        lambda layer: layers.Dense(3, kernel_initializer=layer),
        lambda layer: md.callbacks.LearningRateScheduler(layer),
        lambda layer: md.callbacks.LambdaCallback(on_epoch_end=layer),
        lambda layer: metrics.get(layer),
        lambda layer: losses.get(layer),
    ],
)
def test_a_layer_is_no_function(attempt: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"got .*Dense"):
        attempt(layers.Dense(2))


def test_subclasses_that_hand_on_any_argument_keep_it() -> None:
    class Rule(optimizers.Adam):
        def __init__(self, learning_rate: float = 0.1, **others: Any) -> None:
            super().__init__(learning_rate, **others)

    class Cell(layers.LSTM):
        def __init__(self, units: int, *args: Any, **others: Any) -> None:
            super().__init__(units, *args, **others)

    assert repr(copy.deepcopy(Rule(0.5, beta_1=0.5))) == "Rule(learning_rate=0.5, beta_1=0.5)"
    told = "Cell(3, dropout=0.5, return_sequences=True)"
    assert repr(copy.deepcopy(Cell(3, dropout=0.5, return_sequences=True))) == told
