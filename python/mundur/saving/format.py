"""One safetensors file holds a whole model: architecture, weights, optimizer, random state.

The tensors are ``parameters/LAYER/NAME``, ``state/LAYER/NAME``, ``optimizer/SLOT/LAYER/NAME``, for
weights that were given as arrays ``initializers/LAYER/ARGUMENT``, ``place/...`` of a training
within an epoch, and for a model of texts ``text/vocabulary``, the tokenizer's JSON as bytes. The
metadata has one entry, ``mundur``, a JSON object of texts: ``format_version``, ``model``
(everything else, as JSON) and ``checksum`` (CRC-32 of that JSON and of the tensors). One entry,
since safetensors keeps several in no fixed order: the same model is the same bytes. Nothing is ever
unpickled, and nothing is allocated before the architecture has been compared with the tensors that
the file really holds.
"""

from __future__ import annotations

import json
import os
import warnings
import zlib
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support import disk
from .._support.checks import boolean, check_ending
from .._support.disk import Path, path_value
from .._support.names import checked_keywords
from ..models.model import Model
from . import description
from .own import MissingCustomObject

__all__ = ["load_model", "model_from_json"]

Array = npt.NDArray[Any]
Tensors = dict[str, Array]

FORMAT = "mundur"
FORMAT_VERSIONS = ("1", "2")  # of chains, and weights alone; of graphs, too

# What reading hostile bytes may raise before anything has gone wrong but the bytes.
_MALFORMED = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    OverflowError,
    RecursionError,
    ImportError,
)


class Texts(NamedTuple):
    """What knows the part of a file that describes texts."""

    restore: Callable[[Any, Tensors, Model], Any]  # becomes ``model._text``, which can `describe`
    owner: Callable[[Model], Any]  # what `load_model` returns


_TEXTS: list[Texts] = []


def register_texts(
    restore: Callable[[Any, Tensors, Model], Any], owner: Callable[[Model], Any]
) -> None:
    """Called by `mundur.text` once it is imported; see `Texts`."""
    _TEXTS[:] = [Texts(restore, owner)]


def _texts() -> Texts:
    if not _TEXTS:
        import_module("mundur.text")  # it registers itself; models without texts go without it
    return _TEXTS[0]


# ---- writing ------------------------------------------------------------------------------------


def to_bytes(model: Model) -> bytes:
    """The file's bytes; pickle, deepcopy and joblib go through the same."""
    tensors: Tensors = {}
    with _core.to_nearest:  # numbers become text
        document = description.describe(model, tensors)
        version = description.format_version(document)
        return _pack(tensors, json.dumps(document, allow_nan=False), version)


def save_model(model: Model, path: Path, overwrite: bool) -> None:
    """Writes a model; see `Model.save`."""
    _write(path, to_bytes(model), overwrite)


def save_weights(model: Model, path: Path, overwrite: bool) -> None:
    """Writes parameters and state; see `Model.save_weights`."""
    tensors = {
        f"{'state' if name in model._state else 'parameters'}/{name}": np.array(view)
        for name, view in model._weight_views().items()
    }
    _write(path, _pack(tensors, ""), overwrite)


def _pack(tensors: Tensors, document: str, version: str = "1") -> bytes:
    from safetensors.numpy import save

    # It takes memory as it lies, a transposed array's too.
    tensors = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    entry = {"format_version": version, "checksum": _checksum(document, tensors)}
    if document:
        entry["model"] = document
    return save(tensors, {FORMAT: json.dumps(entry, separators=(",", ":"))})


def _checksum(document: str, tensors: Tensors) -> str:
    value = zlib.crc32(document.encode())
    for name in sorted(tensors):
        value = zlib.crc32(f"{name} {tensors[name].dtype} {tensors[name].shape}".encode(), value)
        value = zlib.crc32(np.ascontiguousarray(tensors[name]).data, value)
    return f"{value:08x}"


def _write(path: Path, data: bytes, overwrite: bool) -> None:
    given = path_value(path, "filepath")
    check_ending(given, "filepath")
    if os.path.splitext(given)[1] in (".keras", ".h5", ".hdf5"):
        warnings.warn(
            f"{given!r} will be a safetensors file, which Keras cannot read; name it .safetensors",
            UserWarning,
            stacklevel=5,
        )
    disk.replace(given, data, boolean(overwrite, "overwrite"))


# ---- reading ------------------------------------------------------------------------------------


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Model:
    """The model of `Model.to_json`: its layers and their connections, with new weights.

    Parameters
    ----------
    json_string : str
    custom_objects : dict, optional
        As for `load_model`.

    Raises
    ------
    TypeError, ValueError
        For what is no text, or does not describe a model.

    Examples
    --------
    >>> import mundur as md
    >>> model = md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0)
    >>> md.models.model_from_json(model.to_json())
    Model([Dense(2)], seed=0, input_shape=(3,))
    """
    if not isinstance(json_string, (str, bytes)):
        raise TypeError(f"json_string must be text; got {type(json_string).__name__}")
    _check_custom(custom_objects)
    try:
        config = json.loads(json_string)
    except ValueError as error:
        raise ValueError(f"json_string is no JSON: {error}") from None
    return description.of_architecture(config, custom_objects)


@checked_keywords(ignored={"safe_mode": True})
def load_model(
    filepath: Path, custom_objects: Mapping[str, Any] | None = None, compile: bool = True
) -> Model:
    """Reads a model that `Model.save` wrote, or `mundur.text.TextClassifier.save`.

    Parameters
    ----------
    filepath : path
    custom_objects : dict, optional
        What the file only names: the class of a loss of yours, ``{"MyLoss": MyLoss}``, and for
        each custom activation its pair, ``{"bump": (bump, bump_prime)}``.
    compile : bool, default True
        False leaves out compile's arguments and the optimizer's state.

    Returns
    -------
    Model
        With the same numbers; training goes on as if it had never stopped. Where the file holds a
        vocabulary, a `mundur.text.TextClassifier` instead; for type checkers, that is what
        ``TextClassifier.load`` returns.

    Raises
    ------
    OSError
        Where the file cannot be read.
    ValueError
        Where it is no file of ours, of an unknown version, or damaged, or names a class or an
        activation that `custom_objects` does not hold.

    Examples
    --------
    >>> import mundur as md, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
    >>> md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0).save(path)
    >>> md.load_model(path).seed
    0
    """
    model = read_model(filepath, custom_objects, compile)
    loaded: Model = model if model._text is None else _texts().owner(model)
    return loaded


def read_model(
    filepath: Path, custom_objects: Mapping[str, Any] | None = None, compile: bool = True
) -> Model:
    """The model of a file; where the file holds a vocabulary, it is the model's text part."""
    _check_custom(custom_objects)
    boolean(compile, "compile")
    where = repr(path_value(filepath, "filepath"))
    return _model(_read(filepath), where, compile, custom_objects)


def _check_custom(custom_objects: Any) -> None:
    if not (custom_objects is None or isinstance(custom_objects, Mapping)):
        raise TypeError(
            f"custom_objects must be a dict of name: class; got {type(custom_objects).__name__}"
        )


def from_bytes(data: bytes, custom_objects: Mapping[str, Any] | None = None) -> Model:
    """The model of `to_bytes`."""
    return _model(_unpack(data, "the bytes"), "the bytes", True, custom_objects)


def load_weights(model: Model, path: Path) -> None:
    """Reads parameters and state by name into a model; all are checked before any is copied."""
    where = repr(path_value(path, "filepath"))
    metadata, tensors = _read(path)
    if FORMAT in metadata:
        _document(metadata, tensors, where)
    found = {_plain(name): tensor for name, tensor in tensors.items() if _is_weight(name)}
    wanted = model._weight_views()
    if found.keys() != wanted.keys():
        raise ValueError(
            f"{where} holds the parameters {', '.join(sorted(found)) or 'none'}; the model has "
            f"{', '.join(wanted)}"
        )
    for name, tensor in found.items():
        if tensor.shape != wanted[name].shape or tensor.dtype.kind not in "f":
            raise ValueError(
                f"{name} must be real of shape {wanted[name].shape}; {where} has {tensor.dtype} "
                f"of shape {tensor.shape}"
            )
    for name, tensor in found.items():
        wanted[name] = tensor


def _is_weight(name: str) -> bool:
    """What stateful layers keep from batch to batch goes with batches of its size alone."""
    goes_on = name.startswith("state/") and name.endswith(("/state_h", "/state_c"))
    return not (goes_on or name.startswith(("optimizer/", "initializers/", "place/", "text/")))


def _plain(name: str) -> str:
    """LAYER/NAME, which is all that files of others have."""
    kind, _, rest = name.partition("/")
    return rest if kind in ("parameters", "state") and "/" in rest else name


def _read(path: Path) -> tuple[dict[str, str], Tensors]:
    given = path_value(path, "filepath")
    with disk.open_ordinary(given) as file:
        size = os.fstat(file.fileno()).st_size
        if size > _core.available_memory():
            raise MemoryError(f"{given!r} of {size} bytes does not fit in memory")
        return _unpack(file.read(), repr(given))


def _unpack(data: bytes, where: str) -> tuple[dict[str, str], Tensors]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if data.startswith((b"\x89HDF", b"PK\x03\x04")):
        raise ValueError(
            f"{where} is no sound safetensors file, but HDF5 or zip, as Keras writes; in Keras "
            "take model.get_weights(), here set_weights() on a model of the same layers"
        )
    try:
        tensors = load(data)
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])  # sound: load has checked it
    except (SafetensorError, *_MALFORMED) as error:
        raise ValueError(f"{where} is no sound safetensors file: {error}") from error
    return header.get("__metadata__") or {}, tensors


def _document(metadata: Mapping[str, str], tensors: Tensors, where: str) -> str:
    """The architecture's JSON, "" for weights alone, once version and checksum are right."""
    if FORMAT not in metadata:
        raise ValueError(f"{where} is a safetensors file, but not one that mundur wrote")
    try:
        entry = json.loads(metadata[FORMAT])
        version, document = entry["format_version"], entry.get("model", "")
        checksum = _checksum(document, tensors)
    except _MALFORMED as error:
        raise ValueError(f"{where} is damaged: its description cannot be read") from error
    if version not in FORMAT_VERSIONS:
        raise ValueError(
            f"{where} has format version {version!r}; this version of mundur reads "
            f"{' and '.join(map(repr, FORMAT_VERSIONS))}"
        )
    if entry.get("checksum") != checksum:
        raise ValueError(f"{where} is damaged: its checksum does not match")
    return str(document)


def _model(
    content: tuple[dict[str, str], Tensors],
    where: str,
    compile: bool,
    custom_objects: Mapping[str, Any] | None,
) -> Model:
    metadata, tensors = content
    document = _document(metadata, tensors, where)
    if not document:
        raise ValueError(f"{where} holds weights only; read it with Model.load_weights")
    try:
        with _core.to_nearest:
            document_of = json.loads(document)
            model = description.restore(document_of, tensors, compile, custom_objects)
        text = document_of.get("text")
    except MissingCustomObject as error:
        raise ValueError(f"{where}: {error}") from None
    except _MALFORMED as error:
        raise ValueError(f"{where} does not describe a model: {_reason(error)}") from error
    if text is not None:
        model._text = _text_part(text, tensors, model, where)
    return model


def _text_part(document: Any, tensors: Tensors, model: Model, where: str) -> Any:
    try:
        return _texts().restore(document, tensors, model)
    except ImportError:  # the extra is missing, the file is sound
        raise
    except _MALFORMED as error:
        reason = _reason(error)
        raise ValueError(f"{where} does not describe a model of texts: {reason}") from error


def _reason(error: Exception) -> str:
    return f"there is no {error}" if isinstance(error, KeyError) else str(error)
