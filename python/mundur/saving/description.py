"""A model as plain data and tensors, and back; what comes in is checked as hostile input."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from .. import (
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from .._support.checks import extents, integer, number
from .._support.config import Configurable
from .._support.lengths import shown_shape
from ..activations import Custom
from ..data.arrays import Ports
from ..data.dataset import Objective
from ..initializers.base import ArrayInitializer, FunctionInitializer, Initializer
from ..layers.input import Symbol, again
from ..models.model import Model
from ..training.position import Place
from . import own

if TYPE_CHECKING:
    from ..layers.base import Layer
    from ..optimizers.base import Optimizer

__all__ = [
    "architecture",
    "describe",
    "of_architecture",
    "restore",
]

Array = npt.NDArray[Any]
Tensors = dict[str, Array]
T = TypeVar("T", bound=Configurable)

_PIECES: dict[str, type[Configurable]] = {
    **{cls.__name__: cls for cls in initializers.KNOWN.values()},
    FunctionInitializer.__name__: FunctionInitializer,
    **regularizers.CLASS_NAMES,
    **constraints.CLASS_NAMES,
}
_METRICS = metrics.CLASS_NAMES
MODEL = "Model"  # what a model within another one is, among its layers
_KINDS = {"one": object, "list": list, "tuple": tuple, "dict": dict}


# ---- out ----------------------------------------------------------------------------------------


def describe(model: Model, tensors: Tensors) -> dict[str, Any]:
    """Everything but arrays as data for JSON; the arrays are added to `tensors`."""
    own.warn_of_steps(model)
    own.custom_activations(model.layers)
    document: dict[str, Any] = {
        **_head(model),
        **_structure(model, tensors, ""),
        "built": model.built,
        "epochs_begun": model.epochs_begun,
        "training_forwards": model.native.training_forwards if model.built else 0,
    }
    if model.built:
        for name, view in model._parameter_views().items():
            tensors[f"parameters/{name}"] = view.copy()
        for name, view in model._state.items():
            tensors[f"state/{name}"] = view.copy()
    if model.optimizer is not None:
        document["optimizer"] = _describe_optimizer(model, model.optimizer, tensors)
        asked = [_describe_objective(one) for one in model._objectives]
        if len(asked) == 1:
            document |= asked[0]
        else:
            weights = (one.weight for one in model._objectives)
            each = zip(asked, weights, strict=True)
            document["objectives"] = [one | {"weight": weight} for one, weight in each]
        place = model._place_now()
        if place is not None:
            document["place"] = place.describe(tensors)
    if model._text is not None:
        document["text"] = model._text.describe(tensors)
    return document


def architecture(model: Model) -> dict[str, Any]:
    """The layers and how they are connected, without weights, as data for JSON."""
    tensors: Tensors = {}
    config = _head(model) | _structure(model, tensors, "")
    arrays = {name: tensor.tolist() for name, tensor in tensors.items()}
    return config | ({"arrays": arrays} if arrays else {})


def of_architecture(config: Any, custom: Mapping[str, Any] | None = None) -> Model:
    """The model of `architecture`, with new weights; a ValueError for anything else."""
    try:
        arrays = _typed(config, dict).get("arrays", {})
        tensors = {str(name): np.array(values) for name, values in arrays.items()}
        model = _bare(config)
        _fill(model, config, tensors, custom or {}, "")
    except own.MissingCustomObject:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(f"config does not describe a model: {error!r}") from error
    if model._order is not None or model._declared_shape is not None:
        model._build(model._declared_shape)
    return model


def _head(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "seed": model.seed,
        "dtype": model.dtype,
        "compute_dtype": "bfloat16_tiles"
        if model.compute_dtype == "bfloat16"
        else model.compute_dtype,
        "input_shape": model.input_shape,
    }


def _bare(document: Any) -> Model:
    return Model(
        name=document["name"],
        seed=integer(document["seed"], "seed"),
        dtype=document["dtype"],
        compute_dtype=_compute_dtype(document.get("compute_dtype")),
    )


def format_version(document: Mapping[str, Any]) -> str:
    """Return "1" of chains, which builds before graphs read too, else "2"."""
    newer = any(entry["class"] == MODEL or "custom" in entry for entry in document["layers"])
    return "2" if newer or "graph" in document else "1"


def _structure(model: Model, tensors: Tensors, within: str) -> dict[str, Any]:
    """The layers, and how they are connected where they are no chain."""
    parts: dict[str, Any] = {
        "layers": [_describe_part(layer, tensors, within) for layer in model.layers]
    }
    if model._batch is not None:
        parts["batch_size"] = model._batch
    return parts if model._order is None else parts | {"graph": _describe_graph(model)}


def _describe_part(part: Any, tensors: Tensors, within: str) -> dict[str, Any]:
    if not isinstance(part, Model):
        return _describe_layer(part, tensors, within)
    config = {
        "name": part.name,
        "seed": part.seed,
        "input_shape": shown_shape(part._declared_shape),
    }
    config |= _structure(part, tensors, f"{within}{part.name}/")
    return {"class": MODEL, "config": config, "automatic_name": part._given_name is None}


def _describe_graph(model: Model) -> dict[str, Any]:
    """Values by numbers: first the inputs, then what each call makes."""
    assert model._order is not None and model._inputs is not None
    numbers = {id(x): i for i, x in enumerate(model._inputs)}
    places = {id(layer): i for i, layer in enumerate(model.layers)}
    calls = []
    for call in model._order:
        calls.append([places[id(call.layer)], [numbers[id(x)] for x in call.inputs]])
        for x in call.outputs:
            numbers[id(x)] = len(numbers)
    return {
        "inputs": _describe_ports(model._ports_in),
        "shapes": [shown_shape(x.sample) for x in model._inputs],
        "calls": calls,
        "outputs": _describe_ports(model._ports_out),
        "made": [numbers[id(x)] for x in model._outputs],
    }


def _describe_ports(ports: Ports) -> dict[str, Any]:
    kind = next(name for name, kind in _KINDS.items() if kind is ports.kind)
    return {"kind": kind, "names": ports.names}


def _describe_objective(one: Objective) -> dict[str, Any]:
    described: dict[str, Any] = {"loss": None if one.loss is None else _describe_loss(one.loss)}
    for key, weighted in (("metrics", False), ("weighted_metrics", True)):
        chosen = [metric for metric in one.metrics if metric._weighted == weighted]
        described[key] = [_describe_metric(metric) for metric in chosen]
    return described


def _describe(piece: Configurable) -> dict[str, Any]:
    return {"class": type(piece).__name__, "config": piece.get_config()}


def _is_ours(loss: losses.Loss) -> bool:
    return losses.CLASS_NAMES.get(type(loss).__name__) is type(loss)


def _describe_loss(loss: losses.Loss) -> dict[str, Any]:
    if _is_ours(loss):
        return _describe(loss)
    if isinstance(loss, losses.Custom):
        return {"class": loss.name, "config": loss.config_of_file(), "function": True}
    return own.described(loss)


def _describe_metric(metric: metrics.Metric) -> dict[str, Any]:
    if _METRICS.get(type(metric).__name__) is type(metric):
        return _describe(metric)
    return {"python": metric.name} | own.described_metric(metric)


def _listed(held: Any) -> list[Any]:
    """What an argument holds that is a list, a single thing or None."""
    return held if isinstance(held, list) else [] if held is None else [held]


def _describe_layer(layer: Layer, tensors: Tensors, within: str = "") -> dict[str, Any]:
    is_own = layers.known(type(layer).__name__) is not type(layer)
    if is_own and not layer.is_written:
        raise ValueError(
            f"layer {layer.name!r} is of a subclass of a layer of mundur, which files cannot name: "
            "derive from md.Layer"
        )
    entry = own.described(layer) if is_own else _describe(layer)
    config: dict[str, Any] = entry["config"] | {"name": layer.name}
    place = within + layer.name
    for key in layer._holds:
        held = getattr(layer, key)
        described = [_describe_layer(one, tensors, f"{place}/") for one in _listed(held)]
        config[key] = described if isinstance(held, list) else described[0] if described else None
    for key, value in config.items():
        if key in layer._holds:
            continue
        if isinstance(value, ArrayInitializer):
            tensors[f"initializers/{place}/{key}"] = value.values
            config[key] = {"class": "array", "config": {}}
        elif isinstance(value, Custom):
            config[key] = {"class": "custom", "config": {"name": value.name}}
        elif isinstance(value, Initializer) and type(value) not in _PIECES.values():
            config[key] = _describe(FunctionInitializer(value))
        elif is_own and own.holds_layers(value):
            config[key] = own.mapped(
                value, lambda one: {"layer": _describe_layer(one, tensors, f"{place}/")}
            )
        elif layer.is_written and callable(value):
            config[key] = {"class": "function", "config": {"name": layer._name_of(key)}}
        elif isinstance(value, Configurable):
            config[key] = _describe(value)
    frozen = layer._frozen_paths()
    return entry | {
        "config": config,
        "frozen": frozen,
        "automatic_name": layer._given_name is None,
    }


def _describe_optimizer(model: Model, optimizer: Optimizer, tensors: Tensors) -> dict[str, Any]:
    name = type(optimizer).__name__
    arrays, scalars = optimizer._native.state()
    if any(flat.size != model.native.flat_parameters.size for flat in arrays.values()):
        raise ValueError("the optimizer holds the state of another model")
    for slot, flat in arrays.items():
        for name, part in _parts(model).items():
            tensors[f"optimizer/{slot}/{name}"] = flat[part].reshape(
                model._parameter_views()[name].shape
            )
    is_ours = optimizers.CLASS_NAMES.get(type(optimizer).__name__) is type(optimizer)
    entry = _describe(optimizer) if is_ours else own.described(optimizer)
    entry["config"]["learning_rate"] = schedules.describe(entry["config"]["learning_rate"])
    if any(optimizer._spared):
        entry["spared"] = [list(part) for part in optimizer._spared]
    return entry | {"slots": list(arrays), "scalars": scalars}


def _parts(model: Model) -> dict[str, slice]:
    """Where each parameter lies in the flat vector, whose padding is the core's own affair."""
    base = model.native.flat_parameters
    start, item = base.__array_interface__["data"][0], base.itemsize
    parts = {}
    for name, view in model._parameter_views().items():
        first = (view.__array_interface__["data"][0] - start) // item
        parts[name] = slice(first, first + view.size)
    return parts


# ---- in -----------------------------------------------------------------------------------------


def _compute_dtype(saved: Any) -> Any:
    """The name of what files call so: one of an earlier build has "bfloat16" for pairs."""
    if saved != "bfloat16":
        return "bfloat16" if saved == "bfloat16_tiles" else saved
    warnings.warn(
        'the file is of an earlier build: its compute_dtype "bfloat16" is what is called '
        '"bfloat16_pairs" now, and stays that',
        UserWarning,
        stacklevel=2,
    )
    return "bfloat16_pairs"


def restore(
    document: Any,
    tensors: Tensors,
    compiled: bool,
    custom: Mapping[str, Any] | None = None,
) -> Model:
    """The model of `describe`; raises ValueError, TypeError or KeyError for anything else.

    `custom` holds what is the user's own by the names that files call it.
    """
    model = _bare(document)
    _fill(model, document, tensors, custom or {}, "")
    if _typed(document["built"], bool):
        _build(model, tensors)
        model.native.training_forwards = integer(
            document["training_forwards"], "training_forwards", 0, 2**48 - 1
        )
    model.epochs_begun = integer(document["epochs_begun"], "epochs_begun")
    if compiled and "optimizer" in document:
        _compile(model, document, tensors, custom or {})
        if "place" in document:
            model._place = Place.restore(document["place"], tensors)
    return model


def _typed(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")
    return value


def _config(entry: Any) -> dict[str, Any]:
    config: dict[str, Any] = _typed(_typed(entry, dict)["config"], dict)
    return config


def _restored(entry: Any, known: Mapping[str, type[T]]) -> T:
    config = _config(entry)
    return known[entry["class"]].from_config(config)


def _fill(
    model: Model, document: Any, tensors: Tensors, custom: Mapping[str, Any], within: str
) -> None:
    """The layers and connections of `_structure`, before there are numbers."""
    batch = document.get("batch_size")
    model._batch = None if batch is None else integer(batch, "batch_size", 1)
    parts = _restore_layers(document["layers"], tensors, custom, within, model.dtype)
    if "graph" in document:
        _connect(model, parts, document["graph"])
    else:
        # One by one: a model that is given all of them, and the shape, would be built at once.
        for part in parts:
            model._append(part)
    _forget_names(parts, document["layers"])
    shape = document["input_shape"]
    if shape is not None and "graph" not in document:
        model._declare(extents(shape, "input_shape", lengths=True))


def _connect(model: Model, parts: list[Any], graph: Any) -> None:
    kind_in, names = _restore_ports(graph["inputs"])
    kind_out, made_names = _restore_ports(graph["outputs"])
    shapes = [extents(shape, "shape", lengths=True) for shape in _typed(graph["shapes"], list)]
    inputs = [
        Symbol(shape, None, name, batch=model._batch)
        for shape, name in zip(shapes, names, strict=True)
    ]
    values = list(inputs)
    for place, sources in _typed(graph["calls"], list):
        part = parts[integer(place, "a layer", 0, len(parts) - 1)]
        given = [values[integer(source, "a value", 0, len(values) - 1)] for source in sources]
        if isinstance(part, Model):
            values += part._call_on(given).outputs
        else:
            values += again(part, given).outputs
    made = [values[integer(at, "a value", 0, len(values) - 1)] for at in graph["made"]]
    model._connect(_as(kind_in, names, inputs), _as(kind_out, made_names, made), build=False)
    model._ports_in = model._ports_in._replace(names=tuple(names))
    model._ports_out = model._ports_out._replace(names=tuple(made_names))
    if len(model.layers) != len(parts):
        raise ValueError("the graph leaves layers out")


def _restore_ports(entry: Any) -> tuple[type, list[str]]:
    names = [str(name) for name in _typed(_typed(entry, dict)["names"], list)]
    if not names or len(set(names)) < len(names):
        raise ValueError("inputs and outputs must have names, all of them different")
    return _KINDS[entry["kind"]], names


def _as(kind: type, names: list[str], symbols: list[Symbol]) -> Any:
    if kind is object:
        (one,) = symbols
        return one
    return dict(zip(names, symbols, strict=True)) if kind is dict else kind(symbols)


def _restore_layers(
    entries: Any,
    tensors: Tensors,
    custom: Mapping[str, Any],
    within: str = "",
    dtype: str | None = None,
) -> list[Any]:
    """Layers, and models where these have a dtype."""
    return [
        _restore_model(entry, tensors, custom, within, dtype)
        if dtype is not None and _typed(entry, dict)["class"] == MODEL
        else _restore_layer(entry, tensors, custom, within)
        for entry in _typed(entries, list)
    ]


def _restore_model(
    entry: Any, tensors: Tensors, custom: Mapping[str, Any], within: str, dtype: str
) -> Model:
    config = _config(entry)
    model = Model(name=config["name"], seed=integer(config["seed"], "seed"), dtype=dtype)
    _fill(model, config, tensors, custom, f"{within}{model.name}/")
    return model


def _forget_names(made: list[Any], entries: Any) -> None:
    """Names that a model had chosen are given ones no longer, once they did their work."""
    for layer, entry in zip(made, entries, strict=True):
        if _typed(entry["automatic_name"], bool):
            layer._automatic_name, layer._given_name = layer.name, None
        if isinstance(layer, Model):
            continue
        for key in layer._holds:
            _forget_names(_listed(getattr(layer, key)), _listed(_config(entry)[key]))


def _restore_layer(entry: Any, tensors: Tensors, custom: Mapping[str, Any], within: str) -> Layer:
    config = dict(_config(entry))
    place = f"{within}{config['name']}"
    is_own = "custom" in entry
    cls = own.found(str(entry["class"]), custom, "layer", layers.Layer) if is_own else None
    cls = cls or layers.known(entry["class"])
    if cls is None:
        raise KeyError(entry["class"])
    for key in cls._holds:
        held = config[key]
        restored = _restore_layers(_listed(held), tensors, custom, f"{place}/")
        config[key] = restored if isinstance(held, list) else restored[0] if restored else None
    for key, value in config.items():
        if is_own and own.describes_layers(value):
            config[key] = own.mapped(
                value, lambda one: _restore_layer(one["layer"], tensors, custom, f"{place}/")
            )
        elif isinstance(value, dict) and "class" in value:
            if value["class"] == "function":
                config[key] = own.found(str(_config(value)["name"]), custom, "function")
            elif value["class"] == "array":
                config[key] = ArrayInitializer(tensors[f"initializers/{place}/{key}"])
            elif value["class"] == "custom":
                config[key] = _custom_activation(str(_config(value)["name"]), custom)
            else:
                config[key] = _restored(value, _PIECES)
    layer: Layer = cls.from_config(config)
    layer._freeze_paths([str(path) for path in _typed(entry["frozen"], list)])
    return layer


def _custom_activation(name: str, custom: Mapping[str, Any]) -> Custom:
    if name not in custom:
        raise own.MissingCustomObject(
            f"the activation {name!r} is a pair of Python functions, which files do not hold; pass "
            f"custom_objects={{{name!r}: (f, f_prime)}}"
        )
    given = custom[name]
    try:
        pair = (given.f, given.f_prime) if isinstance(given, Custom) else tuple(given)
        f, f_prime = pair
    except (TypeError, ValueError):
        raise own.MissingCustomObject(
            f"custom_objects[{name!r}] must be a pair (f, f_prime); got {given!r}"
        ) from None
    return Custom(f, f_prime, name)


def _build(model: Model, tensors: Tensors) -> None:
    """Builds only once every parameter's shape is that of a tensor in hand."""
    if model._order is None and model._declared_shape is None:
        raise ValueError("a chain that is built has an input_shape")
    graph, expected = model._planned(model._declared_shape), {}
    for at, within in enumerate(graph.names):
        for name, extent in graph.parameter_shapes(at).items():
            expected[f"parameters/{within}/{name}"] = extent
        for name, extent in graph.state_shapes(at).items():
            expected[f"state/{within}/{name}"] = extent
    for name, extent in expected.items():
        _tensor(tensors, name, extent, model.dtype)
    try:
        model._build(model._declared_shape, initialize=False)
    except MemoryError as error:
        raise ValueError(str(error)) from None
    views = model._values | model._state
    for name in expected:
        views[name.partition("/")[2]][...] = tensors[name]


def _tensor(tensors: Tensors, name: str, shape: tuple[int, ...], dtype: str) -> Array:
    tensor = tensors[name]
    if tensor.shape != shape or tensor.dtype != dtype:
        raise ValueError(
            f"{name} must be {dtype} of shape {shape}; got {tensor.dtype} of {tensor.shape}"
        )
    return tensor


def _restore_loss(entry: Any, custom: Mapping[str, Any]) -> losses.Loss:
    if "function" in entry:
        return losses.Custom.from_file(
            _config(entry), own.found(str(entry["class"]), custom, "loss")
        )
    if "custom" not in entry:
        return _restored(entry, losses.CLASS_NAMES)
    known = own.found(str(entry["class"]), custom, "loss", losses.Loss)
    loss: losses.Loss = known.from_config(_config(entry))
    return loss


def _compile(model: Model, document: Any, tensors: Tensors, custom: Mapping[str, Any]) -> None:
    entry = document["optimizer"]
    rate = schedules.restore(_config(entry)["learning_rate"])
    entry["config"]["learning_rate"] = rate
    optimizer: Optimizer
    if "custom" in entry:
        known = own.found(str(entry["class"]), custom, "optimizer", optimizers.Optimizer)
        optimizer = known.from_config(_config(entry))
    else:
        optimizer = _restored(entry, optimizers.CLASS_NAMES)
    if "spared" in entry:
        paths, patterns = _typed(entry["spared"], list)
        optimizer.exclude_from_weight_decay(paths, patterns)
    if "objectives" not in document:
        model.compile(optimizer, **_objective(document, custom))
    else:
        entries = _typed(document["objectives"], list)
        asked = [_objective(entry, custom) for entry in entries]
        keys = ("loss", "metrics", "weighted_metrics")
        each = {key: [one[key] for one in asked] for key in keys}
        if all(loss is None for loss in each["loss"]):
            each = {}
        weights = [number(entry["weight"], "weight") for entry in entries]
        model.compile(optimizer, loss_weights=weights, **each)
    scalars = {
        str(key): number(value, str(key), at_least=0, at_most=2**53)
        for key, value in _typed(entry["scalars"], dict).items()
    }
    slots = _typed(entry["slots"], list)
    if slots and not model.built:
        raise ValueError("an optimizer's state needs a built model")
    state = {slot: _flat(model, slot, tensors) for slot in slots}
    native = optimizer._native
    optimizer._expect(slots)
    if set(scalars) != set(native.state()[1]):
        raise ValueError(f"the optimizer's state has the unknown parts {sorted(scalars)}")
    if state or scalars != native.state()[1]:
        native.set_state(state, scalars)


def _objective(entry: Any, custom: Mapping[str, Any]) -> dict[str, Any]:
    loss = entry["loss"]
    return {
        "loss": None if loss is None else _restore_loss(loss, custom),
        "metrics": _restore_metrics(_typed(entry["metrics"], list), custom),
        "weighted_metrics": _restore_metrics(
            _typed(entry.get("weighted_metrics", []), list), custom
        ),
    }


def _restore_metrics(entries: list[Any], custom: Mapping[str, Any]) -> list[metrics.Metric]:
    made: list[metrics.Metric] = []
    missing = []
    for entry in entries:
        if "python" not in _typed(entry, dict):
            made.append(_restored(entry, _METRICS))
            continue
        found = own.found_metric(entry, custom)
        made += [] if found is None else [found]
        missing += [str(entry["python"])] if found is None else []
    if missing:
        warnings.warn(
            f"files hold only the names of metrics written in Python; left out: "
            f"{', '.join(missing)}. Call compile to have them again, or give their classes as "
            "custom_objects",
            stacklevel=2,
        )
    return made


def _flat(model: Model, slot: Any, tensors: Tensors) -> Array:
    flat = np.zeros_like(model.native.flat_parameters)
    for name, part in _parts(model).items():
        shape = model._parameter_views()[name].shape
        flat[part] = _tensor(tensors, f"optimizer/{slot}/{name}", shape, model.dtype).ravel()
    return flat
