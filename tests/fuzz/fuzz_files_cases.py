"""Saved files with something wrong in them, each made from a seed, and what must become of them.

`python fuzz_files_cases.py FIRST COUNT FOLDER` runs a batch, and says each seed before it does.
"""

from __future__ import annotations

import copy
import json
import os
import random
import resource
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from typing import Any

import mundur as md
import numpy as np
from mundur.saving import format as files  # its parts make damaged files
from mundur.text import TextClassifier
from safetensors.numpy import load, save

__all__ = ["Wrong", "run"]

Tensors = dict[str, Any]
L = md.layers

# Loading these small files may take so much memory, in KiB.
MOST_MEMORY = 200 * 1024
# What is right to warn of: a sound file may say as much.
EXPECTED = "files hold only the names of metrics|.* drops the mask of time steps"


class Wrong(AssertionError):
    """A file was taken, or refused, as none may be."""


# ---- sound files --------------------------------------------------------------------------------


def dense() -> bytes:
    chain = [
        L.Dense(4, "relu", kernel_regularizer="l2", bias_constraint="non_neg", input_shape=5),
        L.BatchNormalization(),
        L.Dropout(0.2),
        L.Residual([L.Dense(4, activation="tanh"), L.LayerNormalization()]),
        L.Dense(3, trainable=False, kernel_initializer=np.ones((4, 3)), activity_regularizer="l1"),
    ]
    model = md.Model(chain, seed=1)
    rate = md.schedules.CosineDecay(0.01, 20, warmup_target=0.1, warmup_steps=2)
    rule = md.optimizers.AdamW(rate, amsgrad=True, use_ema=True, gradient_accumulation_steps=2)
    loss = md.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(rule, loss, metrics=["accuracy"], weighted_metrics=[lambda t, p: 0.0])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 5)).astype(np.float32), rng.integers(0, 3, 12)
    model.fit(x, y, batch_size=4, epochs=2, verbose=0)
    return files.to_bytes(model)


SEQUENCES = np.random.default_rng(1).normal(size=(10, 6, 2)).astype(np.float32)
TARGETS = (SEQUENCES.sum((1, 2)) > 0).astype(np.float32)
BATCH = 3


def compiled_lstm(chain: list[Any], dtype: str = "float64") -> md.Model:
    model = md.Model(chain, seed=2, dtype=dtype)
    model.compile(md.optimizers.RMSprop(0.01, momentum=0.5), "bce", metrics=["accuracy", "auc"])
    return model


def lstm() -> bytes:
    """In the midst of an epoch, with callbacks that count."""
    chain = [
        L.Conv1D(3, 2, padding="causal", activation="relu"),
        L.MaxPooling1D(2),
        L.Bidirectional(L.LSTM(2, return_sequences=True)),
        L.TimeDistributed(L.Dense(2)),
        L.GRU(2, reset_after=False) if "reset_after" in L.GRU(1).get_config() else L.GRU(2),
        L.Dense(1, "sigmoid"),
    ]
    model = compiled_lstm(chain)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.st")
        watch = md.callbacks.EarlyStopping("loss", patience=3, restore_best_weights=True)
        slow = md.callbacks.ReduceLROnPlateau("loss", patience=1)
        keep = md.callbacks.ModelCheckpoint(path, save_freq=7)
        model.fit(
            *(SEQUENCES, TARGETS, BATCH, 2), verbose=0, callbacks=[watch, slow, keep], shuffle=True
        )
        with open(path, "rb") as file:
            return file.read()


def texts() -> bytes:
    chain = [L.Embedding(20, 2, mask_zero=True), L.SimpleRNN(2), L.Dense(1)]
    made = TextClassifier(md.Model(chain, seed=3), length=3)
    made.fit(["a good one, it's", "a poor one 中"], ["yes", "no"], epochs=1, verbose=0)
    assert made.model is not None
    return files.to_bytes(made.model)


def unbuilt() -> bytes:
    chain = [L.Flatten(), L.Dense(2, kernel_initializer="he_normal"), L.Softmax()]
    model = md.Model(chain, seed=4, name="unbuilt")
    model.compile(md.optimizers.SGD(0.1, 0.9, nesterov=True), "mse", metrics=["mae"])
    return files.to_bytes(model)


def graph() -> bytes:
    """Ids beside numbers, a model that is called twice, and two outputs."""
    ids, x = md.Input((3,), name="ids"), md.Input((4,), name="x")
    base = md.Sequential([L.Dense(3, "tanh"), L.Dense(2)], name="base")
    table = L.Flatten()(L.Embedding(5, 2)(ids))
    both = L.Concatenate()([base(x), base(L.Dense(4)(x)), table])
    kind = L.Dense(2, "softmax", name="kind")(both)
    model = md.Model([ids, x], {"kind": kind, "size": L.Dense(1)(both)}, seed=5)
    loss = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
    model.compile("adam", loss, loss_weights={"size": 0.5}, metrics={"kind": ["accuracy"]})
    data = samples(model)
    model.fit(data, {"kind": [0, 1], "size": [0.0, 1.0]}, verbose=0)
    return files.to_bytes(model)


SOURCES: dict[str, Callable[[], bytes]] = {
    "dense": dense,
    "graph": graph,
    "lstm": lstm,
    "texts": texts,
    "unbuilt": unbuilt,
}


@cache
def source(name: str) -> bytes:
    return SOURCES[name]()


def parts(data: bytes) -> tuple[dict[str, Any], Any, Tensors]:
    """The metadata's entry, the document within it, and the tensors."""
    length = int.from_bytes(data[:8], "little")
    entry = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["mundur"])
    return entry, json.loads(entry["model"]), load(data)


# ---- what goes wrong ----------------------------------------------------------------------------

NUMBERS = [
    *(-1, 0, 1, 2, 3, 255, 1000, 10**6, 2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63),
    *(2**64, 10**30, -(2**63), 0.5, -0.0, 1e-320, 1e-45, 1e308, 1.5, 1e18, -1e300, 1e-8),
    *(float("nan"), float("inf"), -float("inf")),
]
TEXTS = [
    *("", "a", "a/b", "\0", "\ud800", "é" * 50, "x" * 5000, "../../etc/passwd", "__class__"),
    *("relu", "softmax", "linear", "dense", "kernel", "Dense", "LSTM", "Adam", "array", "custom"),
    *("nan", "inf", "0x1p3", "0x1p5000", "loss", "float32", "same", "causal"),
    *("bfloat16", "bfloat16_pairs", "bfloat16_tiles"),
]


def odd(rng: random.Random) -> Any:
    kind = rng.randrange(8)
    if kind <= 2:
        return rng.choice(NUMBERS)
    if kind <= 4:
        return rng.choice(TEXTS)
    if kind == 5:
        return rng.choice([None, True, False, [], {}, [[]], [None], {"class": "Dense"}, {"": {}}])
    if kind == 6:
        return [rng.choice(NUMBERS) for _ in range(rng.choice([1, 2, 3, 40]))]
    value: Any = rng.choice(NUMBERS)
    for _ in range(rng.choice([1, 3, 50, 200])):
        value = [value] if rng.random() < 0.5 else {rng.choice(["class", "config", "a"]): value}
    return value


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) within JSON."""
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    for key in list(keys):
        yield value, key
        yield from places(value[key])


def depth(value: Any) -> int:
    """How deeply JSON is nested."""
    level, deep = [value], 0
    while level := [
        held
        for one in level
        if isinstance(one, (dict, list))
        for held in (one.values() if isinstance(one, dict) else one)
    ]:
        deep += 1
    return deep


def edit_document(rng: random.Random, document: Any, others: list[Any]) -> Any:
    every = list(places(document))
    if not every:
        return odd(rng)
    if isinstance(document, dict) and rng.random() < 0.6:  # else layers, the longest, take all
        part = rng.choice(list(document))
        every = list(places(document[part])) or every
    holder, key = rng.choice(every)
    action = rng.randrange(9)
    if action == 0:
        del holder[key]
    elif action <= 3:
        near = isinstance(holder[key], (int, float)) and rng.random() < 0.5
        holder[key] = holder[key] + rng.choice([-1, 1, 2, 0.5]) if near else odd(rng)
    elif action == 4:  # something from elsewhere, of this file or of another
        other = rng.choice(list(places(rng.choice([document, *others]))))
        holder[key] = copy.deepcopy(other[0][other[1]])
    elif action == 5:
        other = rng.choice(every)
        if other[0] is not holder:
            holder[key], other[0][other[1]] = (
                copy.deepcopy(other[0][other[1]]),
                copy.deepcopy(holder[key]),
            )
    elif action == 6 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif action == 7 and isinstance(holder, dict):
        holder[rng.choice(TEXTS)] = odd(rng)
    else:
        like = [(h, k) for h, k in every if k == key]
        other = rng.choice(like)
        holder[key] = copy.deepcopy(other[0][other[1]])
    return document


def edit_tensors(rng: random.Random, tensors: Tensors) -> None:
    if not tensors:
        tensors["parameters/dense/kernel"] = np.zeros((2, 2), np.float32)
        return
    name, other = rng.choice(sorted(tensors)), rng.choice(sorted(tensors))
    array = tensors[name]
    action = rng.randrange(9)
    if action == 0:
        del tensors[name]
    elif action == 1:
        tensors[name], tensors[other] = tensors[other], array
    elif action == 2:
        types = [np.float16, np.float32, np.float64, np.int8, np.int64, np.uint8, np.bool_]
        with np.errstate(all="ignore"):
            tensors[name] = array.astype(rng.choice(types))
    elif action == 3:
        shape = rng.choice([(-1,), (1, -1), (-1, 1), array.shape[::-1]])
        tensors[name] = array.reshape(shape)
    elif action == 4:
        tensors[name] = rng.choice(
            [array.ravel()[:0], array.ravel()[:1], np.zeros((), array.dtype), array.T]
        )
    elif action == 5:
        tensors[rng.choice([f"{name}x", "place/0/best_weights/0", "a", ""])] = array
    elif action == 6 and array.size and array.dtype.kind == "f":
        array = array.copy()
        array.flat[rng.randrange(array.size)] = rng.choice([np.nan, np.inf, -0.0, 1e-40, 3e38])
        tensors[name] = array
    elif action == 7:
        tensors[name] = np.concatenate([array.ravel(), array.ravel()])
    else:
        data = bytearray(array.tobytes())
        for _ in range(3 if data else 0):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        tensors[name] = np.frombuffer(bytes(data), array.dtype).reshape(array.shape)


def edit_vocabulary(rng: random.Random, tensors: Tensors) -> None:
    text = tensors["text/vocabulary"].tobytes().decode(errors="replace")
    if rng.random() < 0.5:
        with suppress(ValueError):  # no JSON any more
            document = edit_document(rng, json.loads(text), [])
            text = json.dumps(document, ensure_ascii=rng.random() < 0.9)
    elif text:
        place = rng.randrange(len(text))
        text = text[:place] + rng.choice(["", "(", '"', "{", "1", "\\"]) + text[place + 1 :]
    data = text.encode("utf-8", "surrogatepass")
    tensors["text/vocabulary"] = np.frombuffer(data, np.uint8)


def packed(document: Any, tensors: Tensors) -> bytes:
    plain = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    return files._pack(plain, json.dumps(document))


def edit_deeply(rng: random.Random, name: str) -> bytes:
    """The checksum is right again."""
    _, document, tensors = parts(source(name))
    others = [parts(source(other))[1] for other in SOURCES]
    for _ in range(rng.choice([1, 1, 1, 2, 3, 6])):
        kind = rng.randrange(10)
        if depth(document) > 600:  # else it is the copying here that ends
            break
        if kind <= 6:
            document = edit_document(rng, document, others)
        elif kind == 7 and "text/vocabulary" in tensors and name == "texts":
            edit_vocabulary(rng, tensors)
        else:
            edit_tensors(rng, tensors)
    return packed(document, tensors)


def edit_entry(rng: random.Random, name: str) -> bytes:
    entry, _, tensors = parts(source(name))
    if rng.random() < 0.5:
        entry["model"] = rng.choice(["[" * 10**5, "", "null", "1e999", '{"layers":', "9" * 5000])
        checksum = files._checksum(entry["model"], tensors)
        return save(tensors, {"mundur": json.dumps(entry | {"checksum": checksum})})
    holder = {"entry": entry}
    edit_document(rng, holder, [])
    metadata = {"mundur": json.dumps(holder.get("entry"))}
    return save(tensors, metadata if rng.random() < 0.8 else {rng.choice(["a", "Mundur"]): "1"})


def edit_header(rng: random.Random, name: str) -> bytes:
    data = source(name)
    length = int.from_bytes(data[:8], "little")
    header = edit_document(rng, json.loads(data[8 : 8 + length]), [])
    text = json.dumps(header).encode()
    told = rng.choice([len(text)] * 6 + [0, 1, len(text) - 1, 2**31, 2**63, 2**64 - 1])
    return told.to_bytes(8, "little") + text + data[8 + length :]


def edit_bytes(rng: random.Random, name: str) -> bytes:
    data = bytearray(source(name))
    for _ in range(rng.choice([1, 1, 2, 8])):
        place = rng.randrange(len(data))
        action = rng.randrange(4)
        if action == 0:
            data[place] ^= 1 << rng.randrange(8)
        elif action == 1:
            del data[place:]
        elif action == 2:
            data[place:place] = rng.randbytes(rng.choice([1, 8, 100]))
        else:
            other = rng.randrange(len(data))
            data[place : place + 8] = data[other : other + 8]
        if not data:
            break
    return bytes(data)


WAYS = [edit_deeply] * 16 + [edit_entry, edit_header, edit_bytes]


@cache
def sound(name: str) -> md.Model:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", EXPECTED, UserWarning)
        return files.from_bytes(source(name))


def mutated(seed: int) -> tuple[str, bytes]:
    rng = random.Random(seed)
    name = rng.choice(sorted(SOURCES))
    return name, rng.choice(WAYS)(rng, name)


# ---- what must become of them -------------------------------------------------------------------


@contextmanager
def quiet(told: Callable[[str], None]) -> Iterator[None]:
    """Calls `told` where anything was written to the process's outputs."""
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as caught:
        before = os.dup(1), os.dup(2)
        os.dup2(caught.fileno(), 1)
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, descriptor in enumerate(before, 1):
                os.dup2(descriptor, number)
                os.close(descriptor)
            caught.seek(0)
            text = caught.read().decode(errors="replace")
            if text:
                told(text)


def samples(model: md.Model) -> Any:
    alone = len(model.input_names) == 1
    shapes = [model.input_shape] if alone else [x.sample for x in model.inputs]
    found = []
    for shape, ids in zip(shapes, model.vocabularies, strict=True):
        if shape is None:
            return None
        shape = tuple(extent or 5 for extent in shape)  # of any length
        if np.prod(shape, dtype=object) > 10**5:
            return None
        count = 2 * int(np.prod(shape))
        numbers = np.arange(count) % ids if ids else np.linspace(-1, 1, count)
        found.append(numbers.reshape(2, *shape))
    return found[0] if alone else found


def use(loaded: Any, path: str) -> None:
    """A model that was read predicts, goes on with its training, and can be saved and read."""
    model = loaded.model if isinstance(loaded, TextClassifier) else loaded
    assert isinstance(model, md.Model)
    again = files.to_bytes(model)
    twice = files.to_bytes(files.from_bytes(again))
    if again != twice:
        raise Wrong("a model that was read and saved is another one, once it was read again")
    repr(loaded)
    x = samples(model)
    if x is None:
        return
    try:
        y = model.predict(x, verbose=0)
        if isinstance(loaded, TextClassifier):
            loaded.predict(["a good one", ""], verbose=0)
    except (ValueError, MemoryError):
        if model.built:
            raise
        return
    if isinstance(y, np.ndarray):
        assert y.shape == (2, *model.output_shape)
    model.save(path + ".again")


def go_on(model: md.Model, path: str) -> None:
    """What refuses a training's place says so in a sentence."""
    if model._place is None or model.input_shape != (6, 2) or model.loss is None:
        return
    watch = [md.callbacks.EarlyStopping("loss"), md.callbacks.ReduceLROnPlateau("loss")]
    try:
        model.fit(SEQUENCES, TARGETS, BATCH, 3, 0, watch, resume_from=path)
    except (ValueError, MemoryError, md.NonFiniteLossError):
        model.predict(SEQUENCES, verbose=0)


def told(read: Callable[[], Any], path: str) -> Any:
    """What was read, or None where the error names the file."""
    try:
        return read()
    except (ValueError, OSError, MemoryError) as error:
        if os.path.basename(path) not in str(error):
            raise Wrong(f"the file is not named: {type(error).__name__}: {error}") from error
    return None


def check(data: bytes, path: str) -> None:
    """Raises where the file is neither read as a whole model nor refused in a sentence."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", EXPECTED, UserWarning)
        _check(data, path)


def _check(data: bytes, path: str) -> None:
    with open(path, "wb") as file:
        file.write(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    loaded = told(lambda: md.load_model(path), path)
    told(lambda: md.load_model(path, compile=False), path)
    for name in ("dense", "lstm"):
        told(partial(sound(name).load_weights, path), path)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    if used > MOST_MEMORY:
        raise Wrong(f"{used >> 10} MiB for a file of {len(data) >> 10} KiB")
    if loaded is not None:
        use(loaded, path)
        if isinstance(loaded, md.Model):
            go_on(loaded, path)


def run(seeds: range, folder: str, say: Callable[[int], None] = lambda seed: None) -> list[str]:
    """What was wrong, seed by seed."""
    path, faults = os.path.join(folder, "mutated.st"), []
    for name in SOURCES:
        sound(name)
    for seed in seeds:
        say(seed)
        name, data = mutated(seed)
        before = len(faults)
        try:
            with quiet(lambda text: faults.append(f"printed {text!r:.300}")):
                check(data, path)
        except Exception as error:
            faults.append("".join(traceback.format_exception(error)[-8:]))
        faults[before:] = [f"seed {seed} ({name}): {text}" for text in faults[before:]]
    return faults


if __name__ == "__main__":
    first, count = int(sys.argv[1]), int(sys.argv[2])
    with os.fdopen(os.dup(1), "w") as out:  # what is printed to the first one is a fault

        def tell(seed: int) -> None:
            print(seed, file=out, flush=True)

        for fault in run(range(first, first + count), sys.argv[3], tell):
            print(json.dumps(fault), file=out, flush=True)
