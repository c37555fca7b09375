"""What a model is made of: its layers with their names, its types, and what of them learns."""

from __future__ import annotations

import os
import sys
import warnings
import weakref
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from .. import _core
from .._support.checks import fresh_seed, identifier, integer, seed_value, shown
from .._support.dtypes import ROUNDED, compute_dtype_name, dtype_name
from .._support.names import check_assignment, unknown
from ..data.arrays import ONE
from ..layers.base import Layer
from ..layers.input import Call, InputLayer, Symbol, name_among
from .graph import Graph, with_inner

__all__ = ["Parts"]

Array = npt.NDArray[Any]

_MODELS: weakref.WeakSet[Parts] = weakref.WeakSet()
_WARNED_OF: set[str] = set()  # kinds of bfloat16


def _free_locks() -> None:
    """In a forked child: the threads that held locks stayed behind in the parent."""
    for model in _MODELS:
        # Its own, where the fork comes from within the model's work, it goes on with.
        if model.lock.acquire(blocking=False):
            model.lock.release()
        else:
            vars(model)["lock"] = RLock()
            model._left_behind()
    bars = sys.modules.get("tqdm.std")
    if bars is None:
        return
    # All bars share one lock, which whoever drew at the fork holds for ever.
    lock = bars.TqdmDefaultWriteLock.th_lock
    if lock.acquire(blocking=False):
        lock.release()
    else:
        bars.tqdm.set_lock(RLock())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_locks)


class Parts:
    """Layers, which stand one behind the other, unless symbolic values say how they connect."""

    _given_name: str | None = None
    _automatic_name = "model"
    _kind = "model"
    _made = False  # whether the constructor is done
    _is_alone = False  # whether it computes layer(array), and nothing else
    _is_part = False  # whether it was called on symbolic values, or stands in another model
    _ports_in = _ports_out = ONE
    _takes_one = True  # array, by itself
    _inputs: tuple[Symbol, ...] | None = None  # of a graph; of a chain once somebody asks
    _outputs: tuple[Symbol, ...] = ()
    _order: list[Call] | None = None  # None: a chain

    def __setattr__(self, name: str, value: Any) -> None:
        if self._made:
            check_assignment(self, name, ("lock",), vars(self), notes=True)
        object.__setattr__(self, name, value)

    def __init__(self, seed: int | None, dtype: Any, compute_dtype: Any, device: str) -> None:
        self._device, self._gpu = _opened(device)
        self._dtype = dtype_name(dtype)
        self._compute_dtype = compute_dtype_name(compute_dtype, self._dtype)
        _warn_of_no_gain(self._compute_dtype)
        given = seed_value(seed)
        self._seed = fresh_seed() if given is None else given
        self.lock = RLock()
        _MODELS.add(self)
        self._layers: list[Any] = []  # and models
        self._graph: Graph | None = None
        self._shared: list[Layer] = []  # which other models have as well
        self._kin: weakref.WeakSet[Parts] = weakref.WeakSet()  # those models
        self._declared_shape: tuple[int, ...] | None = None
        self._is_open = False  # whether samples may be of any length
        self._batch: int | None = None  # samples of each batch, if an Input said so
        self._network: _core.Network | None = None
        self._values: dict[str, Array] = {}
        self._gradients: dict[str, Array] = {}
        self._state: dict[str, Array] = {}
        self._views_given = False
        self._flags: tuple[list[bool], list[bool]] | None = None  # what the network was told

    if not TYPE_CHECKING:  # else type checkers would believe in any name

        def __getattr__(self, name: str) -> object:
            raise unknown(self, name)

    # ---- layers ------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Any]:
        """The layers in order (a copy of the list), models among them where there are some."""
        return list(self._layers)

    @property
    def name(self) -> str:
        """What the model is called in its summary, and as a layer of another model."""
        return self._given_name or self._automatic_name

    @name.setter
    def name(self, value: str) -> None:
        self._given_name = identifier(value, "name")

    @property
    def seed(self) -> int:
        """What first weights, dropout and shuffles are drawn from."""
        return self._seed

    @property
    def dtype(self) -> str:
        """The type of parameters and computation, "float32" or "float64"; see `compute_dtype`."""
        return self._dtype

    @property
    def compute_dtype(self) -> str:
        """What layers' products compute in: `dtype`, "bfloat16" or "bfloat16_pairs".

        In bfloat16 a product's two operands are rounded to 8 bits of precision (to nearest, ties
        to even, subnormal numbers to zeros); the sums are float32. Parameters, their updates,
        biases, activations, losses and everything else stay float32. The two kinds differ in the
        order of the sums, which is that of an instruction; a CPU with it is much faster than in
        float32, others emulate it, to the bit, and gain nothing: ``mundur.build_info()`` lists the
        kinds that are fast here. "bfloat16" is for Intel's AMX, "bfloat16_pairs" for AVX512_BF16 on
        AMD's Zen 4 and 5.

        It costs accuracy: an operand is off by up to 2⁻⁹ of itself (float32: 2⁻²⁵), so outputs and
        gradients are off by some thousandths, and a loss stops falling earlier. Classifiers hardly
        notice: 784-128-10 on MNIST, 10 epochs of Adam, batches of 128, five seeds, 97.72% in
        "bfloat16" instead of 97.76%.

        Notes
        -----
        In "bfloat16", as TDPBF16PS has it, the terms 2k and the terms 2k + 1 of each 32 neighbours
        make one sum each; the two are added, then their sum to that of the terms before. In
        "bfloat16_pairs", as VDPBF16PS has it, a sum runs over pairs 2k, 2k + 1, the odd element's
        product first. Products are fused with their addition, each step is rounded once, and a
        result below float32's normal range becomes 0. Terms that are missing count as 0 · 0.
        A Conv1D is a Dense on what its steps see, 0 beyond the ends, and the gradient of its inputs
        a sum over those steps. Some products stay in float32: forward with at most 4 outputs and at
        least 32 inputs (so a regressor's head), and the inputs' gradient with at most 4 inputs and
        at least 32 outputs; a Conv1D in groups; and of the recurrent layers those of the state with
        the recurrent kernel, and back, whose operands are made anew at each step.
        """
        return self._compute_dtype

    @property
    def device(self) -> str:
        """Where the model computes: "cpu", "cuda" or a certain GPU, such as "cuda:1".

        To set it moves the model. On a GPU parameters have the same bits as on the CPU, in float32
        and float64; arrays such as ``model.parameters`` stay the host's, which each call carries
        there and back. Files, pickles and joblib do not hold it: what they load is on the CPU.

        Setting it raises RuntimeError where mundur-cuda, a driver or the GPU is missing, and
        NotImplementedError for what does not run there.
        """
        return self._device

    @device.setter
    def device(self, value: str) -> None:
        name, gpu = _opened(value)
        with self.lock:
            if self._network is not None:
                self._network.move_to(gpu)
            self._device, self._gpu = name, gpu

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """The layer of a name or of an index."""
        if (name is None) == (index is None):
            raise ValueError("give either name or index")
        if index is not None:
            most = len(self._layers)
            return self._layers[integer(index, "index", -most, most - 1)]
        by_name = {layer.name: layer for layer in self._layers}
        name = identifier(name, "name")
        if name not in by_name:
            known = ", ".join(by_name) or "none"
            raise ValueError(f"name: no layer {name!r} (known: {known})")
        return by_name[name]

    def _append(self, layer: Any) -> None:
        if isinstance(layer, (InputLayer, Symbol)):
            shape = layer.shape if isinstance(layer, InputLayer) else layer.sample
            if isinstance(layer, Symbol) and layer.call is not None:
                raise TypeError(
                    f"a layer must be an instance of md.Layer; got {layer!r}: values of a graph go "
                    "into Model(inputs, outputs)"
                )
            if self._layers:
                raise ValueError("an Input must come before the layers")
            self._declare(shape)
            self._batch = layer.batch
            return
        self._take(layer)
        if isinstance(layer, Layer) and layer._merges and not layer.is_written:
            layer.compute_output_shape((1,))  # which says that it joins several
        if isinstance(layer, Layer) and layer._makes > 1:
            raise ValueError(
                f"{layer.name!r} gives its last state as well, return_state=True, and in a chain "
                "there is no place for it: call it in a graph, y, *states = layer(x), for a "
                "Model(inputs, outputs)"
            )
        declared = layer._declared_shape if isinstance(layer, Parts) else layer._input_shape
        if declared is not None and not (self._layers and isinstance(layer, Parts)):
            if self._layers:
                raise ValueError(
                    f"input_shape= belongs to the first layer; {layer.name!r} is layer "
                    f"{len(self._layers)}"
                )
            self._declare(declared)
        self._layers.append(layer)
        if isinstance(layer, Parts):
            layer._is_part = True

    def _take(self, layer: Any, shares: bool = False) -> None:
        """What becomes a part of the model, checked and named; a graph may share it with others."""
        if isinstance(layer, Parts):
            self._check_model(layer, shares)
            if layer._given_name is None:
                name_among(layer, self._layers)
            elif any(layer.name == other.name for other in self._layers):
                raise ValueError(f"two layers are named {layer.name!r}; names must be distinct")
            return
        if not isinstance(layer, Layer):
            hint = "; make an instance of it" if isinstance(layer, type) else ""
            raise TypeError(f"a layer must be an instance of md.Layer; got {shown(layer)}{hint}")
        owner = layer.owner
        is_free = owner is None or getattr(owner, "_is_alone", False)
        if not is_free and not (shares and isinstance(owner, Parts)):
            raise ValueError(
                f"layer {layer.name!r} is already part of a model; make a new one or a deepcopy"
            )
        self._check_dtype(layer)
        if not layer.is_written:
            layer.describe()
        keeps_name = owner is not None and all(layer.name != other.name for other in self._layers)
        if not keeps_name:
            name_among(layer, self._layers)
        if owner is None:
            layer._owner = weakref.ref(self)

    def _check_model(self, model: Parts, shares: bool) -> None:
        """Raises where a model cannot be a part of this one."""
        if not shares and len(model._ports_in.names) > 1:
            raise ValueError(
                f"model {model.name!r} takes {len(model._ports_in.names)} inputs, and in a chain "
                "there is one: call it on them, for a Model(inputs, outputs)"
            )
        if model._holds_model(self):
            raise ValueError(f"{model.name!r} cannot be a part of itself: the graph has a cycle")
        if not shares and model in self._layers:
            raise ValueError(f"model {model.name!r} is part of this one already")
        if model.dtype != self.dtype:
            raise ValueError(
                f"a model of {model.dtype} cannot be part of one of {self.dtype}: make both of one "
                "dtype, Model(..., dtype=...)"
            )
        if not model._layers:
            raise ValueError(f"model {model.name!r} has no layers yet; add some first")

    def _holds_model(self, model: Parts) -> bool:
        inner = (layer for layer in self._layers if isinstance(layer, Parts))
        return self is model or any(one._holds_model(model) for one in inner)

    def _check_dtype(self, layer: Layer) -> None:
        """Raises where a layer, or one within it, asked for another dtype than the model's."""
        for part in with_inner([layer]):
            if part._asked_dtype not in (None, self._dtype):
                raise ValueError(
                    f"{type(part).__name__}(dtype={part._asked_dtype!r}) in a model of "
                    f"{self._dtype}: all layers have the model's dtype, Model(..., "
                    f"dtype={part._asked_dtype!r})"
                )

    def _declare(self, shape: tuple[int, ...]) -> None:
        if self._declared_shape not in (None, shape):
            raise ValueError(
                f"input_shape is given twice, as {self._declared_shape} and as {shape}"
            )
        self._declared_shape = shape

    def _before_change(self, what: str) -> None:
        """Raises where layers may no longer come or go."""
        if self._order is not None:
            raise RuntimeError(
                f"{what} is for chains, and {self.name!r} is a graph: make another one, "
                "Model(model.inputs, layer(model.output))"
            )
        if self._is_part:
            raise RuntimeError(
                f"{what} would change {self.name!r} within a graph or a model that has it as a "
                f"layer; {what} layers before, or to copy.deepcopy(model)"
            )
        self._forget_symbols()
        if self._views_given:
            raise RuntimeError(
                f"{what} would cut off the live views that this model gave out (parameters, "
                f"gradients, layer.kernel); {what} layers before, or to copy.deepcopy(model)"
            )

    def _forget_symbols(self) -> None:
        """A chain's, of the layers that it had: others will take their place."""
        call = self._outputs[0].call if self._outputs else None
        while call is not None:
            if isinstance(call.layer, Layer):
                call.layer._calls.remove(call)
            call = call.inputs[0].call
        self._inputs, self._outputs = None, ()

    def _left_behind(self) -> None:
        """In a forked child: what another thread was doing with the model is not done here."""

    def _held(self) -> AbstractContextManager[Any]:
        """The lock, for layers."""
        return self.lock

    # ---- freezing ----------------------------------------------------------------------------

    @property
    def trainable(self) -> bool:
        """Whether any parameter learns; setting it sets all."""
        return any(layer.trainable for layer in self._layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        with self.lock:
            for layer in self._layers:
                layer.trainable = value

    def freeze(self, pattern: str) -> None:
        """Freezes the parameters whose name matches: no gradient, no update, no decay.

        Files, pickle and copies keep what is frozen, `summary` shows it; `repr` can only tell of
        layers frozen as a whole.

        Parameters
        ----------
        pattern : str
            As in file names: ``"*/bias"``, ``"dense/*"``, ``"*"``.

        Raises
        ------
        ValueError
            Where nothing matches; it lists the names.

        Examples
        --------
        >>> import mundur as md
        >>> model = md.Model([md.layers.Dense(2)], input_shape=(3,), seed=0)
        >>> model.freeze("*/bias")
        >>> model.trainable_parameters
        ['dense/kernel']
        """
        self._set_trainable(pattern, False)

    def unfreeze(self, pattern: str) -> None:
        """Lets the parameters whose name matches learn again; see `freeze`."""
        self._set_trainable(pattern, True)

    @property
    def trainable_parameters(self) -> list[str]:
        """Names of the parameters that learn."""
        return [name for name, layer, parameter in self._named() if layer.is_trainable(parameter)]

    def _parts(self) -> Iterable[tuple[str, Layer]]:
        """The layers, those of models within for them, with the names that weights go by."""
        if self._graph is not None:
            return zip(self._graph.names, self._graph.layers, strict=True)
        return _leaves(self._layers, "")

    def _named(self) -> Iterable[tuple[str, Layer, str]]:
        for within, layer in self._parts():
            for parameter in layer.parameter_initializers:
                yield f"{within}/{parameter}", layer, parameter

    def _set_trainable(self, pattern: str, value: bool) -> None:
        if not isinstance(pattern, str):
            raise TypeError(f"pattern must be text such as '*/bias'; got {shown(pattern)}")
        import fnmatch

        named = list(self._named())
        matching = [entry for entry in named if fnmatch.fnmatchcase(entry[0], pattern)]
        # A layer without parameters goes by the names of its state.
        bare = [
            layer
            for within, layer in self._parts()
            if not layer.parameter_initializers
            and any(
                fnmatch.fnmatchcase(f"{within}/{state}", pattern)
                for state in layer.state_initializers
            )
        ]
        if not (matching or bare):
            known = ", ".join(name for name, _, _ in named) or "none"
            raise ValueError(f"no parameter matches {pattern!r} (known: {known})")
        with self.lock:
            for _, layer, parameter in matching:
                layer.set_trainable(parameter, value)
            for layer in bare:
                layer.trainable = value

    def _trainable_changed(self) -> None:
        if self._network is not None:
            flags = [layer.is_trainable(parameter) for _, layer, parameter in self._named()]
            learning = [flag for _, layer in self._parts() for flag in layer.learning_flags()]
            if (flags, learning) == self._flags:
                return
            self._network.set_trainable(flags)
            self._network.set_learning(learning)
            self._flags = flags, learning


def _opened(device: Any) -> tuple[str, _core.Gpu | None]:
    """The name of a device, checked, and the GPU that it is."""
    if isinstance(device, str) and device == "cpu":
        return device, None
    from .._support.devices import open_device  # few ask for one

    return open_device(device)


def _leaves(layers: Iterable[Any], within: str) -> Iterator[tuple[str, Layer]]:
    """Layers and those of models, and of compositions, among them, with their names."""
    for layer in layers:
        inner = layer._layers if isinstance(layer, Parts) else layer._within()
        if isinstance(layer, Parts) or layer.composes:
            yield from _leaves(inner, f"{within}{layer.name}/")
        else:
            yield within + layer.name, layer


def _warn_of_no_gain(compute_dtype: str) -> None:
    """Once for each kind of bfloat16 that this CPU computes no faster than float32."""
    if compute_dtype not in ROUNDED or compute_dtype in _WARNED_OF:
        return
    _WARNED_OF.add(compute_dtype)
    fast = _core.build_info()["fast_compute_dtypes"]
    if compute_dtype not in fast:
        hint = "".join(f', but "{kind}" does' for kind in fast)
        warnings.warn(
            f'compute_dtype="{compute_dtype}" gains no speed over float32 on this CPU{hint}',
            UserWarning,
            stacklevel=5,
        )
