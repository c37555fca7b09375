"""Files: everything comes back, training goes on, and nothing in a file can do harm."""

from __future__ import annotations

import json
import os
import stat
import struct
from pathlib import Path
from typing import Any

import mundur as md
import numpy as np
import pytest
from mundur.saving import format as files  # its parts make damaged files
from safetensors.numpy import load, save, save_file

D = md.layers.Dense


def equal(one: md.Model, two: md.Model) -> bool:
    pairs = zip(one.get_weights(), two.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_everything_comes_back(tmp_path: Path) -> None:
    init = md.initializers
    model = md.Model(
        [
            md.layers.Flatten(),
            md.layers.Rescaling(1 / 255, -0.5),
            D(
                4,
                "relu",
                kernel_initializer=init.HeNormal(seed=3),
                bias_initializer=init.Constant(0.1),
            ),
            D(4, name="given", use_bias=False, kernel_initializer=np.eye(4)),
            md.layers.Dropout(0.25, seed=5),
            md.layers.Activation("tanh"),
            D(1, "sigmoid", trainable=False),
        ],
        seed=3,
        name="mine",
        input_shape=(2, 3),
    )
    model.freeze("dense/bias")
    model.compile("adam", "binary_crossentropy", metrics=["acc", md.metrics.BinaryAccuracy()])
    path = tmp_path / "model.safetensors"
    model.save(path)
    other = md.load_model(path)
    assert repr(other) == repr(model)
    assert [layer.name for layer in other.layers] == [layer.name for layer in model.layers]
    assert other.trainable_parameters == model.trainable_parameters
    assert repr(other.optimizer) == "Adam()"
    assert repr(other.loss) == "BinaryCrossentropy()"
    assert other.metrics_names == ["loss", "acc", "binary_accuracy"]
    assert equal(model, other)
    bare = md.load_model(path, compile=False)
    assert bare.optimizer is None
    assert equal(model, bare)


def test_models_without_weights(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    for model in (
        md.Model([D(3)], seed=1),
        md.Model([], seed=1),
        md.Model([D(2, kernel_initializer=[[1.0, 2.0]])], seed=1),
        md.Model([md.layers.Flatten()], input_shape=(2, 2), seed=1),
    ):
        model.compile("adam", "mse")
        model.save(path)
        assert repr(md.load_model(path)) == repr(model)


def test_automatic_names_stay_automatic(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model = md.Model([D(3), D(3, name="dense_5"), D(3)], seed=1, input_shape=(3,))
    model.save(path)
    other = md.load_model(path)
    assert repr(other) == repr(model)
    other.add(D(2))
    assert other.layers[-1].name == "dense_2"
    assert list(other.parameters)[:-2] == list(model.parameters)


def test_files_are_read_by_safetensors(tmp_path: Path) -> None:
    model = md.Model([D(2)], input_shape=(3,), seed=0)
    model.save(tmp_path / "model.safetensors")
    tensors = load((tmp_path / "model.safetensors").read_bytes())
    assert sorted(tensors) == ["parameters/dense/bias", "parameters/dense/kernel"]
    assert np.array_equal(tensors["parameters/dense/kernel"], model.parameters["dense/kernel"])


# ---- writing ------------------------------------------------------------------------------------


def test_writing_is_all_or_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "model.safetensors"
    model = md.Model([D(2)], input_shape=(3,), seed=0)
    model.save(path)
    before = path.read_bytes()

    def fail(*args: Any) -> None:
        raise OSError("disk full")

    model.parameters["dense/bias"] = [7, 7]
    for name in ("replace", "fsync"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(OSError, match="disk full"):
                model.save(path)
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]
    model.save(path)
    assert md.load_model(path).parameters["dense/bias"].tolist() == [7, 7]


def test_the_same_model_is_the_same_bytes(good: bytes) -> None:
    other = files.from_bytes(good)
    assert {files.to_bytes(other) for _ in range(20)} == {good}


def test_paths_that_cannot_be_written(tmp_path: Path) -> None:
    model = md.Model([D(2)], input_shape=(3,), seed=0)
    with pytest.raises(FileNotFoundError, match=r"cannot write '.*none/m\.st': make the folder"):
        model.save(tmp_path / "none" / "m.st")
    with pytest.raises(IsADirectoryError, match="is a folder; give the name of a file"):
        model.save_weights(tmp_path)


def test_where_files_go(tmp_path: Path, monkeypatch: Any) -> None:
    model = md.Model([D(2)], input_shape=(3,), seed=0)
    with pytest.raises(FileNotFoundError):
        model.save(tmp_path / "none" / "model.safetensors")
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.safetensors"
    link.symlink_to(tmp_path / "real" / "model.safetensors")
    model.save(str(link))
    assert link.is_symlink()
    assert md.load_model(link).seed == 0
    with pytest.raises(FileExistsError, match="overwrite"):
        model.save(link, overwrite=False)
    monkeypatch.chdir(tmp_path)
    model.save("here.safetensors")
    mode = stat.S_IMODE((tmp_path / "here.safetensors").stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    assert mode == 0o666 & ~umask


# ---- weights ------------------------------------------------------------------------------------


def test_weights_alone(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    model = md.Model([D(2), D(2, name="b")], input_shape=(3,), seed=0)
    model.save_weights(path)
    other = md.Model([D(2), D(2, name="b")], input_shape=(3,), seed=1)
    other.load_weights(path)
    assert equal(model, other)
    with pytest.raises(ValueError, match="load_weights"):
        md.load_model(path)
    model.save(path)
    third = md.Model([D(2), D(2, name="b")], input_shape=(3,), seed=2, dtype="float64")
    third.load_weights(path)
    assert np.array_equal(third.get_weights()[0], model.get_weights()[0])
    for wrong, words in (
        (md.Model([D(2)], input_shape=(3,)), "b/kernel"),
        (md.Model([D(4), D(2, name="b")], input_shape=(3,)), "must be real of shape"),
    ):
        before = wrong.get_weights()
        with pytest.raises(ValueError, match=words):
            wrong.load_weights(path)
        assert all(np.array_equal(a, b) for a, b in zip(before, wrong.get_weights(), strict=True))


def test_weights_of_others(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    kernel = np.arange(6.0).reshape(3, 2)
    save_file({"dense/kernel": kernel, "dense/bias": np.zeros(2, np.float32)}, path)
    model = md.Model([D(2)], input_shape=(3,), seed=0)
    model.load_weights(path)
    assert np.array_equal(model.parameters["dense/kernel"], kernel)


# ---- files that are not ours, or broken ---------------------------------------------------------


@pytest.fixture
def good(blobs: Any, classifier: Any) -> bytes:
    model = classifier(dropout=0.1)
    model.fit(*blobs, verbose=0)
    return files.to_bytes(model)


def read(data: bytes, path: Path) -> md.Model | None:
    """The model, or None for the errors that a bad file may raise."""
    path.write_bytes(data)
    try:
        return md.load_model(path)
    except (ValueError, OSError):
        return None


@pytest.mark.parametrize("ending", ["keras", "h5", "weights.h5"])
def test_names_of_keras_files(ending: str, tmp_path: Path) -> None:
    model = md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0)
    path = tmp_path / f"model.{ending}"
    with pytest.warns(
        UserWarning, match="will be a safetensors file, which Keras cannot"
    ) as caught:
        (model.save_weights if "weights" in ending else model.save)(path)
    assert caught[0].filename == __file__
    md.Model([md.layers.Dense(2)], input_shape=(3,)).load_weights(path)
    if "weights" not in ending:
        assert repr(md.load_model(path)) == repr(model)


@pytest.mark.parametrize("ending", ["onnx", "pkl", "PT", "npz"])
def test_names_of_other_formats(ending: str, tmp_path: Path) -> None:
    model = md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0)
    path = tmp_path / f"model.{ending}"
    for write in (model.save, model.save_weights, md.callbacks.ModelCheckpoint):
        with pytest.raises(ValueError, match=r"written is a safetensors file, .*model.safetensors"):
            write(path)
    assert not any(tmp_path.iterdir())
    model.save(tmp_path / "onnx")  # no ending at all
    model.save(tmp_path / "model.v2.bin")


# What an HDF5 and a zip file begin with.
KERAS = (b"\x89HDF\r\n", b"PK\x03\x04" * 10)


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        md.load_model(tmp_path / "none.safetensors")
    with pytest.raises(IsADirectoryError):
        md.load_model(tmp_path)
    path = tmp_path / "other.safetensors"
    save_file({"a": np.zeros(3)}, path)
    with pytest.raises(ValueError, match="not one that mundur wrote"):
        md.load_model(path)
    for data in (b"", b"text", b"\x93NUMPY", *KERAS, b"\x80\x04\x95" + bytes(50)):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="no sound safetensors file"):
            md.load_model(path)


def test_truncated_files(good: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    assert read(good, path) is not None
    for size in range(0, len(good), 7):
        with pytest.raises(ValueError):
            files.from_bytes(good[:size])
    assert all(read(good[:size], path) is None for size in range(0, len(good), 149))
    assert read(good + b"\0", path) is None


def test_every_byte_flipped(good: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    header = 8 + struct.unpack("<Q", good[:8])[0]
    places = [*range(header), *range(header, len(good), 97)]
    for place in places:
        for flip in (0xFF, 1 << place % 8):
            data = bytearray(good)
            data[place] ^= flip
            with pytest.raises(ValueError):
                files.from_bytes(bytes(data))
        if place % 50 == 0:
            assert read(bytes(data), path) is None


def rewritten(good: bytes, change: Any) -> bytes:
    """The file with its JSON document changed and the checksum made right again: a hostile file."""
    length = struct.unpack("<Q", good[:8])[0]
    entry = json.loads(json.loads(good[8 : 8 + length])["__metadata__"]["mundur"])
    tensors = load(good)
    document = json.loads(entry["model"])
    change(document, tensors)
    return files._pack(tensors, json.dumps(document))


def at(document: Any, *path: Any) -> Any:
    for key in path:
        document = document[key]
    return document


def put(*path_and_value: Any) -> Any:
    *path, key, value = path_and_value

    def change(document: Any, tensors: Any) -> None:
        at(document, *path)[key] = value

    return change


def drop(*path: Any) -> Any:
    def change(document: Any, tensors: Any) -> None:
        del at(document, *path[:-1])[path[-1]]

    return change


def deep(document: Any, tensors: Any) -> None:
    value: Any = 1.0
    for _ in range(900):
        value = [value]
    document["layers"][0]["config"]["kernel_initializer"] = value


def wrong_dtype(document: Any, tensors: Any) -> None:
    tensors["parameters/dense/bias"] = tensors["parameters/dense/bias"].astype(np.float64)


def missing(document: Any, tensors: Any) -> None:
    del tensors["optimizer/m/dense/kernel"]


HOSTILE = [
    put("layers", 0, "config", "units", 10**12),
    put("layers", 0, "config", "units", -1),
    put("layers", 0, "config", "units", 1e300),
    put("layers", 0, "config", "units", "8"),
    put("layers", 0, "config", "units", None),
    put("layers", 0, "config", "nonsense", 1),
    put("layers", 0, "config", "name", "a/b"),
    put("layers", 0, "config", "name", "dense_1"),
    put("layers", 0, "config", "activation", "exec"),
    put("layers", 0, "config", "activation", ["relu"]),
    put("layers", 0, "config", "kernel_initializer", {"class": "Layer", "config": {}}),
    put("layers", 0, "config", "kernel_initializer", {"class": "array"}),
    put("layers", 0, "config", []),
    put("layers", 0, "class", "Model"),
    put("layers", 0, "class", "__import__"),
    put("layers", 0, "class", None),
    put("layers", 0, "class", []),
    put("layers", 0, "frozen", ["nothing"]),
    put("layers", 0, "frozen", "kernel"),
    put("layers", 0, "frozen", [[]]),
    put("layers", 0, None),
    put("layers", {}),
    put("layers", []),
    put("layers", [1] * 1000),
    put("layers", 1, "config", "rate", 2.0),
    put("input_shape", [10**9, 10**9]),
    put("input_shape", [-4]),
    put("input_shape", [4.0]),
    put("input_shape", "four"),
    put("input_shape", None),
    put("input_shape", []),
    put("seed", -1),
    put("seed", 2**64),
    put("seed", "0"),
    put("seed", None),
    put("dtype", "float16"),
    put("dtype", "float64"),
    put("dtype", 5),
    put("name", ""),
    put("name", 5),
    put("built", "yes"),
    put("built", False),
    put("epochs_begun", -1),
    put("epochs_begun", 1.5),
    put("training_forwards", 2**63),
    put("training_forwards", None),
    put("optimizer", "class", "SGD"),
    put("optimizer", "class", "Optimizer"),
    put("optimizer", "config", "learning_rate", -1),
    put("optimizer", "config", "learning_rate", float("nan")),
    put("optimizer", "slots", ["m", "x"]),
    put("optimizer", "slots", "mv"),
    put("optimizer", "slots", [["m"]]),
    put("optimizer", "scalars", "iterations", -1),
    put("optimizer", "scalars", "iterations", 1e300),
    put("optimizer", "scalars", "iterations", float("inf")),
    put("optimizer", "scalars", "other", 1.0),
    put("optimizer", "scalars", {}),
    put("optimizer", None),
    put("loss", "class", "Loss"),
    put("loss", "config", "from_logits", False),
    put("loss", 7),
    put("metrics", ["accuracy"]),
    put("metrics", "accuracy"),
    put("metrics", 0, "config", "name", "loss"),
    put("place", 3),
    put("place", "epoch", -1),
    put("place", "order", "first"),
    put("place", "sums", [1.0]),
    put("place", "sums", ["inf"]),
    put("place", "shuffle", 1),
    put("place", "callbacks", [3]),
    put("place", "callbacks", [{"class": "EarlyStopping", "wait": {}}]),
    put("place", "callbacks", [{"class": "EarlyStopping", "new": {"a": float("inf")}}]),
    put("place", "callbacks", [{"best_weights": [1]}]),
    drop("place", "step"),
    drop("layers"),
    drop("seed"),
    drop("built"),
    drop("metrics"),
    drop("layers", 0, "config"),
    drop("optimizer", "scalars"),
    deep,
    wrong_dtype,
    missing,
]


@pytest.mark.parametrize("change", HOSTILE)
def test_hostile_documents(change: Any, good: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(rewritten(good, change))
    with pytest.raises(ValueError, match=r"does not describe a model|model.safetensors"):
        md.load_model(path)


@pytest.mark.parametrize("built", [True, False])
def test_nothing_is_allocated_for_what_a_file_does_not_hold(built: bool, monkeypatch: Any) -> None:
    model = md.Model([D(3, input_shape=2), D(2)], seed=0)
    data = rewritten(files.to_bytes(model), put("built", built))
    data = rewritten(data, put("layers", 0, "config", "units", 10_000))

    def fail(*args: Any) -> None:
        raise AssertionError("the network was made")

    monkeypatch.setattr(md._core, "Network", fail)
    if built:
        with pytest.raises(ValueError, match="parameters/dense/kernel must be float32 of shape"):
            files.from_bytes(data)
    else:
        assert not files.from_bytes(data).built


def test_a_layers_shape_and_the_models_are_one(good: bytes) -> None:
    data = files.to_bytes(md.Model([D(3, input_shape=2)], seed=0))
    with pytest.raises(ValueError, match="input_shape is given twice"):
        files.from_bytes(rewritten(data, put("layers", 0, "config", "input_shape", [3])))


def test_an_honest_rewrite_loads(good: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(rewritten(good, put("optimizer", "config", "learning_rate", 0.5)))
    assert md.load_model(path).optimizer.learning_rate == 0.5


def test_documents_that_are_no_json(good: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    tensors = load(good)
    for text in ("[", "[]", "null", "3", '"a"', "[" * 100_000, '{"layers": ' * 50_000):
        path.write_bytes(files._pack(tensors, text))
        with pytest.raises(ValueError, match="does not describe a model"):
            md.load_model(path)


def test_unknown_versions(good: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(save(load(good), {"mundur": json.dumps({"format_version": "3"})}))
    with pytest.raises(ValueError, match=r"format version '3'; .* reads '1' and '2'"):
        md.load_model(path)


@pytest.mark.parametrize(
    "entry", ["", "[", "3", "[]", "{}", '{"format_version": "1"}', '{"model": 3}', "[" * 100_000]
)
def test_descriptions_that_are_none(entry: str, good: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(save(load(good), {"mundur": entry}))
    with pytest.raises(ValueError, match="is damaged"):
        md.load_model(path)


def test_keras_arguments_of_load_model(good: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(good)
    md.load_model(path, None, True, safe_mode=True)
    with pytest.raises(TypeError, match="custom_objects"):
        md.load_model(path, custom_objects=["a"])


def test_an_optimizer_of_a_class_of_ones_own_goes_by_its_name(tmp_path: Path) -> None:
    class Own(md.optimizers.SGD):
        pass

    model = md.Model([md.layers.Dense(1)], input_shape=(2,), seed=0)
    model.compile(Own(0.1), "mse")
    model.save(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="the optimizer Own is a class of its author's"):
        md.load_model(tmp_path / "model.safetensors")
    loaded = md.load_model(tmp_path / "model.safetensors", custom_objects={"Own": Own})
    assert type(loaded.optimizer) is Own and loaded.optimizer.learning_rate == 0.1
