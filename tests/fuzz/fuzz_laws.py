"""What holds for any case: a law returns, or raises Broken."""

from __future__ import annotations

import contextlib
import copy
import io
import pickle
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np

from cells import place
from fuzz_build import (
    ALLOW,
    CUSTOM,
    Array,
    Broken,
    Data,
    Refused,
    bits,
    built,
    data_of,
    everything,
    first_run,
    fitted,
    same,
    slices_of,
    state,
    told,
)
from fuzz_case import PYTHON_LOSS, Case
from fuzz_numbers import slopes, textbook

# By these a row takes part that weighs nothing in the loss.
OF_ALL_ROWS = ("BatchNormalization", "activity_regularizer", "ActivityRegularization")


def everywhere(case: Case) -> None:
    """The same bits for any number of threads and instruction set."""
    with place("generic", 1):
        data, run = first_run(case)
        expected = everything(case, run, data)
    for isa, threads in case.places:
        with place(isa, threads):
            found = everything(case, fitted(case, data), data)
        same(found, expected, f"{isa}, {threads} threads, against generic, 1")


def predictions(case: Case, seconds: float = 0.1, more: int = 0) -> None:
    """Any way to predict gives the same bits, and fills all that it returns."""
    model = built(case)
    data = data_of(case, model.output_shape, case.samples + more)
    n, some = len(data.x), max(1, len(data.x) // 3)
    with place("generic", 1):
        expected = np.concatenate([model.predict(x[None], **ALLOW) for x in data.x])
    hook = md.callbacks.LambdaCallback(on_predict_batch_end=lambda *_: None)
    ways: dict[str, Callable[[], Array]] = {
        "a generator": lambda: model.predict(
            (data.x[i : i + some] for i in range(0, n, some)), **ALLOW
        ),
        "hooks": lambda: model.predict(data.x, some, callbacks=[hook], **ALLOW),
        "by hand": lambda: model.forward(data.x),
    }
    for size in (1, 2, 7, "full") if n < 100 else (16, 100, "full"):
        ways[f"batches of {size}"] = lambda size=size: model.predict(data.x, size, **ALLOW)
    if np.isfinite(data.x).all():
        ways["on a batch"] = lambda: model.predict_on_batch(data.x)
    for isa, threads in case.places:
        for name, way in ways.items():
            with place(isa, threads), slices_of(seconds):
                waste = [np.full_like(expected, np.nan) for _ in range(4)]
                del waste  # the memory that an output which nobody fills would be made of
                found = way()
            if bits(found) != bits(expected):
                pairs = zip(found, expected, strict=True)
                bad = np.flatnonzero([bits(a) != bits(b) for a, b in pairs])
                raise Broken(f"{name}, {isa}, {threads} threads: rows {bad[:9]} of {n} differ")


def short_calls(case: Case) -> None:
    """As `predictions`, by calls that return as soon as they can."""
    predictions(case, 0.0, more=256)  # a worker takes so many at once


def evaluations(case: Case) -> None:
    """An evaluation is the same in slices, under hooks, from a generator, and without metrics."""
    model = built(case)
    data = data_of(case, model.output_shape)
    n = len(data.x)
    size = n if case.batch_size == "full" else int(case.batch_size)
    parts = (data.x, data.y) if data.weights is None else (data.x, data.y, data.weights)
    batches = [tuple(part[i : i + size] for part in parts) for i in range(0, n, size)]
    weighing = {} if data.weights is None else {"sample_weight": data.weights}
    given = {"x": data.x, "y": data.y, "batch_size": size, **weighing}
    hook = md.callbacks.LambdaCallback(on_test_batch_end=lambda *_: None)
    bare = built(case, ())

    def asked(model: md.Model, **options: Any) -> dict[str, Any]:
        with np.errstate(all="ignore"):
            logs = model.evaluate(**options, return_dict=True, **ALLOW)
        return told({name: [value] for name, value in logs.items()})

    with place("generic", 1):
        try:
            expected = asked(model, **given)
        except (ValueError, TypeError) as error:
            raise Refused(str(error)) from None
    loss = {"loss": expected["loss"]}
    for isa, threads in case.places:
        with place(isa, threads), slices_of(0.0):
            where = f"{isa}, {threads} threads"
            same(asked(model, **given), expected, f"slices, {where}")
            same(asked(model, **given, callbacks=[hook]), expected, f"hooks, {where}")
            same(asked(bare, **given), loss, f"no metrics, {where}")
            if case.loss != PYTHON_LOSS:
                same(asked(bare, x=iter(batches)), loss, f"a generator, {where}")


def observers(case: Case) -> None:
    """Metrics, validation, callbacks, verbosity, a mask that hides nothing: no bit of training."""
    data, run = first_run(replace(case, metrics=()))
    expected = {
        **state(run.model),
        "loss": told({"loss": run.logs.get("loss", [])}),
        "end": run.end,
    }
    held = data_of(case, run.model.output_shape, 5, salt=2)
    hooks = ("on_train_batch_begin", "on_train_batch_end", "on_test_batch_end")
    watch = md.callbacks.LambdaCallback(**dict.fromkeys(hooks, lambda *_: None))
    for name, metrics, options in (
        ("metrics", case.metrics, {}),
        ("accuracy", ("accuracy",), {}),
        ("validation", (), {"validation_data": (held.x, held.y)}),
        ("verbose", (), {"verbose": 2}),
        ("callbacks", (), {"callbacks": [watch]}),
        ("all", case.metrics, {"validation_data": (held.x, held.y), "callbacks": [watch]}),
    ):
        try:
            model = built(case, metrics)
            model.evaluate(held.x, held.y, **ALLOW)
        except (Refused, ValueError, TypeError):  # a metric that this model or loss cannot have
            continue
        with contextlib.redirect_stdout(io.StringIO()), slices_of(0.0):
            other = fitted(case, data, model, **options)
        loss = told({"loss": other.logs.get("loss", [])})
        same({**state(other.model), "loss": loss, "end": other.end}, expected, name)
        if "val_loss" in other.logs and other.end == "epochs" and not case.holds("use_ema"):
            again = other.model.evaluate(
                held.x, held.y, case.batch_size, return_dict=True, **ALLOW
            )["loss"]
            if bits(again) != bits(other.logs["val_loss"][-1]):
                raise Broken(f"{name}: val_loss {other.logs['val_loss'][-1]} is evaluate's {again}")


def whole_mask(case: Case) -> None:
    """A mask without masked steps is no mask."""
    name, arguments = case.layers[0]
    if name not in ("Embedding", "Masking") or case.loss == PYTHON_LOSS:
        return
    fronts = [(name, arguments | {"mask_zero": mask}) for mask in (False, True)]
    if name == "Masking":
        fronts = [("Activation", {"activation": "linear"}), (name, {"mask_value": 1e30})]
    accounts = []
    for front in fronts:
        layers = (front, *case.layers[1:])
        one = replace(
            case, layers=layers, pads=False, metrics=tuple({*case.metrics} & {"accuracy"})
        )
        data, run = first_run(one)
        accounts.append(everything(one, run, data))
    for account in accounts:
        account.pop("settings")
    same(accounts[1], accounts[0], "with a mask that hides nothing, against none")


def padded(case: Case) -> md.Model | None:
    """The case's model, where whatever padding holds must not matter."""
    if not case.ids or "mask_zero" not in case.layers[0][1]:
        return None
    costs = ("activity_regularizer", "ActivityRegularization", "embeddings_regularizer")
    # Masking has a mask of its own; what looks along several steps at once looks at padding, too.
    if case.holds(*costs, "Masking", "GroupNormalization", "axis"):
        return None
    first_run(replace(case, metrics=()))  # or it is refused
    model = built(replace(case, metrics=()))
    flows = [layer.mask_flow for layer in model.layers]
    ended = next((flow for flow in flows if flow not in ("makes", "passes")), "")
    whole = case.holds("embeddings_constraint") or case.loss == PYTHON_LOSS
    # What makes more rows of a step leaves its mask behind.
    elsewhere = model.masks_output and model.output_shape[:-1] != case.shape
    return None if ended == "drops" or whole or elsewhere else model


def padding(case: Case) -> None:
    """What the vector of a masked id holds does not matter to training."""
    if case.optimizer[0] == "Adafactor":  # its steps go by the length of the whole table
        return
    first, other = padded(case), padded(case)
    if first is None or other is None:
        return
    data = data_of(case, first.output_shape)
    other.parameters[f"{other.layers[0].name}/embeddings"][0] = 0.3125
    accounts = []
    for model in (first, other):
        run = fitted(case, data, model)
        weights = model.get_weights()
        weights[0] = weights[0][1:]
        accounts.append({"weights": [*map(bits, weights)], "logs": told(run.logs), "end": run.end})
    same(accounts[1], accounts[0], "with another vector for padding")


def nan_padding(case: Case) -> None:
    """NaN in the vector of a masked id reaches no gradient of another."""
    first, other = padded(case), padded(case)
    if first is None or other is None:
        return
    data = data_of(case, first.output_shape)
    other.parameters[f"{other.layers[0].name}/embeddings"][0] = np.nan
    delta = np.random.default_rng(case.seed).normal(size=(len(data.x), *first.output_shape))
    if first.masks_output:
        delta *= (data.x != 0)[..., None]
    accounts = []
    for model in (first, other):
        model.forward(data.x, training=True)
        model.backward(delta)
        accounts.append(
            {
                n: bits(g[1:] if g.shape[0] == case.ids and "embed" in n else g)
                for n, g in model.gradients.items()
            }
        )
    same(accounts[1], accounts[0], "NaN in the vector of padding")


def weightless(case: Case) -> None:
    """What a row of weight zero holds does not matter; where not finite, it is as zeros."""
    if case.weights not in ("zeros", "nan"):
        return
    plain = replace(case, metrics=())
    data, run = first_run(plain)
    expected = {**state(run.model), "logs": told(run.logs), "end": run.end}
    rng = np.random.default_rng(case.seed)
    fills: dict[str, Any] = {}
    axes = tuple(range(1, data.x.ndim))
    broken = ~np.isfinite(data.x).all(axis=axes) if not case.ids else np.zeros(len(data.x), bool)
    if broken.any() and not case.augment:  # which comes before them
        zeroed = data.x.copy()
        zeroed[broken] = 0
        fills["zeros for what is not finite"] = zeroed
    if not case.holds(*OF_ALL_ROWS):
        other = data.x.copy()
        other[data.nothing] = other[rng.permutation(len(other))][data.nothing]
        other[~np.isfinite(other)] = 0.25
        fills["other samples"] = other
        if not case.ids:
            holes = data.x.astype(float)
            holes[data.nothing] = np.nan
            fills["NaN"] = holes
    for name, x in fills.items():
        found = fitted(plain, data._replace(x=x))
        account = {**state(found.model), "logs": told(found.logs), "end": found.end}
        same(account, expected, f"{name} in rows of weight zero")


class Die(md.Callback):
    """Ends a fit at a step, by an exception."""

    def __init__(self, step: int, error: type[BaseException]) -> None:
        self.step, self.error = step, error

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.step -= 1
        if self.step < 0:
            raise self.error("enough")


def resumed(case: Case) -> None:
    """A training that was stopped within an epoch and resumed is one that never was."""
    data, run = first_run(case)
    if run.end != "epochs":
        return
    expected = {**state(run.model), "logs": told(run.logs)}
    size = len(data.x) if case.batch_size == "full" else int(case.batch_size)
    steps = case.epochs * -(-len(data.x) // size)
    rng = np.random.default_rng(case.seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.safetensors"
        for error in (ZeroDivisionError, KeyboardInterrupt):
            step = int(rng.integers(1, steps + 1))
            callbacks: list[md.Callback] = [Die(step, error)]
            if error is ZeroDivisionError:
                callbacks.insert(0, md.callbacks.ModelCheckpoint(path, save_freq=step))
            part = built(case)
            with contextlib.suppress(error):
                fitted(case, data, part, callbacks=callbacks)
            if error is KeyboardInterrupt:
                part.save(path)
            for model in (built(case), md.load_model(path, custom_objects=CUSTOM)):
                again = fitted(case, data, model, resume_from=path)
                ends = {n: len(v) - len(again.logs.get(n, v)) for n, v in run.logs.items()}
                logs = {n: v[ends[n] :] for n, v in run.logs.items()} if again.logs else {}
                where = f"resumed at step {step} of {steps} after {error.__name__}"
                same(
                    {**state(model), "logs": told(again.logs)},
                    expected | {"logs": told(logs)},
                    where,
                )


def copied(case: Case) -> None:
    """Pickled, copied, or saved and loaded, a model trains on as it would have."""
    data, run = first_run(case)
    if run.end != "epochs":
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.safetensors"
        run.model.save(path)
        others = {
            "pickle": pickle.loads(pickle.dumps(run.model)),
            "deepcopy": copy.deepcopy(run.model),
            "file": md.load_model(path, custom_objects=CUSTOM),
        }
    before = state(run.model)
    expected = everything(case, fitted(case, data, run.model), data)
    for name, model in others.items():
        same(state(model), before, f"{name}, as it comes")
        same(everything(case, fitted(case, data, model), data), expected, f"{name}, trained on")


def steps_of(case: Case, data: Data) -> Iterator[slice]:
    """The batches of an unshuffled training."""
    size = len(data.x) if case.batch_size == "full" else int(case.batch_size)
    for _ in range(case.epochs):
        yield from (slice(i, i + size) for i in range(0, len(data.x), size))


def piecewise(case: Case) -> None:
    """Batches from a generator, train_on_batch, and forward, loss, backward, step are fit."""
    case = replace(case, shuffle=False, metrics=(), class_weight=False, augment=False)
    data, run = first_run(case)
    if run.end != "epochs":
        return
    expected = state(run.model)
    del expected["epochs"]
    weights, python = data.weights, case.loss == PYTHON_LOSS

    def part(rows: slice) -> tuple[Array, ...]:
        return data.x[rows], data.y[rows], *(() if weights is None else (weights[rows],))

    def check(model: md.Model, name: str) -> None:
        account = state(model)
        del account["epochs"]
        same(account, expected, f"{name}, against fit")

    if not python:
        feeds = built(case)
        one_pass = list(steps_of(replace(case, epochs=1), data))
        batches = [part(rows) for rows in one_pass]
        feeds.fit(
            (batch for _ in range(case.epochs) for batch in batches),
            epochs=case.epochs,
            steps_per_epoch=len(batches),
            **ALLOW,
        )
        check(feeds, "a generator")
    single, hand = built(case), built(case)
    assert single.optimizer and hand.optimizer and hand.loss
    for rows in steps_of(case, data):
        single.train_on_batch(*part(rows), allow_nonfinite=True)
    single.optimizer.finalize_variable_values(single)
    check(single, "train_on_batch")
    if not by_hand_is_exact(case, hand, data):
        return
    for rows in steps_of(case, data):
        y_pred = hand.forward(data.x[rows], training=True)
        w = None if weights is None else weights[rows]
        if hand.masks_output:
            w = (np.ones(len(y_pred)) if w is None else w)[:, None] * (data.x[rows] != 0)
        if python and w is not None and not w.any():
            delta = np.zeros_like(y_pred)
        else:
            delta = hand.loss.gradient(
                data.y[rows], y_pred, **({} if w is None else {"sample_weight": w})
            )
        hand.backward(delta)
        hand.optimizer.step(hand)
    hand.optimizer.finalize_variable_values(hand)
    check(hand, "by hand")


def by_hand_is_exact(case: Case, model: md.Model, data: Data) -> bool:
    """Whether fit neither fuses a head nor knows of rows that are to be passed over."""
    fused = model.native.head in ("sigmoid", "softmax") and not case.loss[1].get("from_logits")
    # Masking looks at what an Embedding made of the ids, not at them.
    of_ids = model.output_shape[:-1] == case.shape and not case.holds("Masking")
    masked_otherwise = model.masks_output and not of_ids
    return not fused and not masked_otherwise and bool(np.isfinite(data.x).all())


LAWS: dict[str, Callable[[Case], None]] = {
    law.__name__: law
    for law in (
        *(
            everywhere,
            predictions,
            short_calls,
            evaluations,
            observers,
            whole_mask,
            padding,
            nan_padding,
        ),
        weightless,
        *(resumed, copied, piecewise, textbook, slopes),
    )
}
