"""What all optimizers share: the learning rate, decay, clipping, averages, and `step`."""

from __future__ import annotations

import math
import re
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Protocol, TypedDict

import numpy as np
import numpy.typing as npt

from .. import _core
from .._support.checks import boolean, choice, identifier, integer, items, number, shown
from .._support.config import Configurable
from .._support.names import checked_keywords
from ..schedules.base import Asked, Rate, rates_of, schedule_of
from .options import Clip, LearningRate, Option, option

if TYPE_CHECKING:
    from .in_python import Slot, Trained

Array = npt.NDArray[Any]

# Keras's arguments with one value here.
KERAS: dict[str, Any] = {"loss_scale_factor": None}


class Trainee(Protocol):
    """What an optimizer asks of a model."""

    @property
    def lock(self) -> Any:
        """Held while numbers change."""

    @property
    def native(self) -> _core.Network:
        """The network; a RuntimeError where the model does not know its input shape."""

    def _parameter_views(self) -> Mapping[str, Any]:
        """The parameters by path, in the network's order."""


class ArgumentsButDecay(TypedDict, total=False):
    """What every optimizer takes behind its own arguments; see `Optimizer`."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    gradient_accumulation_steps: int | None
    name: str | None


class OptimizerArguments(ArgumentsButDecay, total=False):
    """With the decay, which has a place of its own in AdamW."""

    weight_decay: float | None


class Optimizer(Configurable):
    """Base class of the optimizers: a learning rate, a count of steps, and `step`.

    All take these arguments, which stand behind their own. In a step the regularisers' gradients
    come first, then accumulation, clipping, decay, the rule itself, and last the average.

    Parameters
    ----------
    learning_rate : float or callable
        η >= 0; or a function of the number of updates so far, such as one of
        `mundur.optimizers.schedules`. It is called ahead of the steps, so it must depend on its
        argument alone; one without arguments is called before each step.
    weight_decay : float, optional
        λ >= 0: w ← w - η λ w before the rule's own step (Loshchilov and Hutter, 2019), biases
        included; None is 0. PyTorch decays like this in AdamW only, and elsewhere adds λ w to g.
    clipnorm : float, optional
        c > 0: scales the gradient of each parameter to a Euclidean norm of at most c:
        g ← g min(1, c / ‖g‖) (Pascanu et al., 2013).
    clipvalue : float, optional
        c > 0: limits each element of the gradients to [-c, c].
    global_clipnorm : float, optional
        As `clipnorm`, with one norm over all gradients. Only one of the three may be given.
    use_ema : bool, default False
        Keeps a running mean of the parameters, a ← μ a + (1-μ) w after each update, a = w after the
        first. `fit` ends with w ← a; by hand that is `finalize_variable_values`.
    ema_momentum : float, default 0.99
        μ in [0, 1].
    ema_overwrite_frequency : int, optional
        With `use_ema`, w ← a after every so many updates.
    gradient_accumulation_steps : int, optional
        At least 2: as many batches make one update, from the mean of their gradients.
    name : str, optional
        By default the class's in small letters.

    Examples
    --------
    >>> import mundur as md
    >>> optimizer = md.optimizers.Adam(1e-3, weight_decay=0.01, global_clipnorm=1.0)
    >>> optimizer.learning_rate = 1e-4
    >>> isinstance(optimizer, md.Optimizer), optimizer.iterations
    (True, 0)
    """

    _rule: ClassVar[str] = ""  # the core's name; "": written in Python
    _native: _core.Optimizer
    _served: weakref.ref[Trainee] | None = None
    _busy: Trainee | None = None  # the model that it is training at this moment
    _schedule: Callable[[int], float] | None = None
    _given_name: str | None = None
    _spared: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())  # from decay: paths, patterns
    _variables: Sequence[Trained] = ()  # of the model that a rule in Python serves
    _own_slots: Sequence[Slot] = ()
    _built_for: weakref.ref[_core.Network] | None = None
    _seen_to_change = False

    @checked_keywords(ignored=KERAS)
    def __init__(
        self,
        learning_rate: Rate = 0.01,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        *,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
    ) -> None:
        arguments = locals()
        self._given_name = None if name is None else identifier(name, "name")
        self._native = _core.Optimizer(self._rule) if self._rule else self._in_python()
        if callable(learning_rate):
            self._schedule = schedule_of(learning_rate)
            self._native["learning_rate"] = self.learning_rate
        else:
            self.learning_rate = learning_rate
        self._put(arguments)

    def _put(self, arguments: dict[str, Any]) -> None:
        """Keeps those of a constructor's arguments, its `locals()`, that native code holds."""
        for name, value in arguments.items():
            argument = getattr(type(self), name, None)
            if isinstance(argument, Option):
                argument.put(self, value)

    # ---- what a subclass in Python writes ------------------------------------------------------

    def build(self, variables: Sequence[Trained]) -> None:
        """Asks for the state of a rule in Python, by `add_variable_from_reference`.

        A subclass's own, called before the first step with a model.

        Parameters
        ----------
        variables : list
            The model's parameters; NumPy takes each for an array once there is a step.
        """

    def update_step(self, gradient: Array, variable: Trained, learning_rate: float) -> None:
        """A subclass's rule: changes one variable in place, and what state it has of it.

        Parameters
        ----------
        gradient : ndarray
            ∂L/∂variable, clipped and averaged over accumulated batches.
        variable
            What NumPy takes for an array: ``variable.assign_sub(learning_rate * gradient)``.
        learning_rate : float
        """
        raise NotImplementedError(f"{type(self).__name__}.update_step is not written")

    def add_variable_from_reference(
        self, reference_variable: Trained, name: str | None = None, initializer: str = "zeros"
    ) -> Slot:
        """State beside a variable, of its shape; files hold it, and an undone epoch undoes it.

        Parameters
        ----------
        reference_variable
            One of `build`'s.
        name : str, optional
            The same for all variables, such as "momentum"; else "variable", "variable_1", ...
        initializer : {"zeros", "ones"}, default "zeros"

        Returns
        -------
        Slot
            What NumPy takes for an array, within `update_step`.
        """
        if name is None:
            own = sum(slot.number == reference_variable.number for slot in self._own_slots)
            name = f"variable_{own}" if own else "variable"
        identifier(name, "name")
        choice(initializer, "initializer", "zeros", "ones")
        if name in ("w", "average", "accumulated"):
            raise ValueError(f"name must be another one than {name!r}, which means something else")
        assert isinstance(self._native, _core.OutsideOptimizer)
        self._native.add_state(name, float(initializer == "ones"))
        from .in_python import Slot

        slot = Slot(reference_variable, name)
        self._own_slots = [*self._own_slots, slot]
        return slot

    def add_variable(self, *_: Any, **__: Any) -> NoReturn:
        """Keras's; state that is not a variable's is not kept here."""
        raise NotImplementedError(
            "an optimizer's state is beside a variable: add_variable_from_reference(variable, "
            "name) gives it; self.iterations counts the updates"
        )

    def assign(self, variable: Any, value: Any) -> None:
        """Keras's ``variable.assign(value)``."""
        variable.assign(value)

    def assign_add(self, variable: Any, value: Any) -> None:
        """Keras's ``variable.assign_add(value)``."""
        variable.assign_add(value)

    def assign_sub(self, variable: Any, value: Any) -> None:
        """Keras's ``variable.assign_sub(value)``."""
        variable.assign_sub(value)

    def _get_variable_index(self, variable: Trained) -> int:
        return variable.number

    def _in_python(self) -> _core.Optimizer:
        from .in_python import native_optimizer  # few rules are

        return native_optimizer(self)

    def _check_usable(self) -> None:
        """Raises where training could not call it."""
        title = type(self).__name__
        if self._rule:
            if type(self).update_step is not Optimizer.update_step:
                raise TypeError(
                    f"{title}.update_step would be ignored, for the core computes the rule that it "
                    "derives from: derive from md.Optimizer"
                )
            return
        if type(self).update_step is Optimizer.update_step:
            raise TypeError(
                f"{title} is written in Python, and training calls update_step(gradient, variable, "
                "learning_rate), which it does not write; step(model) serves by hand alone"
            )
        if not hasattr(self, "_native"):
            raise TypeError(
                f"{title}.__init__ must call super().__init__(learning_rate), which it does not"
            )

    def _prepare(self, model: Any) -> None:
        """A rule in Python knows the model's parameters, and has its state."""
        if self._built_for is not None and self._built_for() is model.native:
            return
        from .in_python import variables_of

        self._variables, self._own_slots = variables_of(model), []
        self.build(self._variables)
        self._built_for = weakref.ref(model.native)

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the state vectors that training takes, each as large as the parameters."""
        return tuple(self._native.slots) if hasattr(self, "_native") else ()

    @property
    def learning_rate(self) -> float:
        """η, finite and >= 0; of the next step where a schedule gives it.

        It is a float, with Keras's `value`, `numpy` and `assign` of a variable.
        """
        if self._schedule is not None:
            return LearningRate(rates_of(self._schedule, self.iterations, 1)[0], self)
        return LearningRate(self._native["learning_rate"], self)

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if self._schedule is not None:
            raise TypeError(
                f"learning_rate is given by the schedule {self._schedule!r} and cannot be set; "
                f"make a new {type(self).__name__}"
            )
        self._native["learning_rate"] = number(value, "learning_rate", at_least=0)

    weight_decay: float | None = option(
        "weight_decay", "λ, above 0, or None.", none=0.0, at_least=0
    )
    clipnorm: float | None = option(
        "clipnorm",
        "The largest norm of each parameter's gradient, or None.",
        none=math.inf,
        kind=Clip,
        above=0,
    )
    clipvalue: float | None = option(
        "clipvalue",
        "The largest magnitude of a gradient's element, or None.",
        none=math.inf,
        kind=Clip,
        above=0,
    )
    global_clipnorm: float | None = option(
        "global_clipnorm",
        "The largest norm of all gradients together, or None.",
        none=math.inf,
        kind=Clip,
        above=0,
    )
    use_ema: bool = option(
        "use_ema", "Whether a running mean of the parameters is kept.", boolean, is_fixed=True
    )
    ema_momentum: float = option(
        "ema_momentum", "How slowly that mean forgets.", is_fixed=True, at_least=0, at_most=1
    )
    ema_overwrite_frequency: int | None = option(
        "ema_overwrite_frequency",
        "Updates after which the parameters become their mean, or None.",
        integer,
        none=0,
        is_fixed=True,
        minimum=1,
    )
    gradient_accumulation_steps: int | None = option(
        "gradient_accumulation_steps",
        "Batches that make one update, or None.",
        integer,
        none=1,
        is_fixed=True,
        minimum=2,
    )

    @property
    def name(self) -> str:
        """The given name, or the class's in small letters."""
        return self._given_name or type(self).__name__.lower()

    def get_weights(self) -> list[npt.NDArray[Any]]:
        """The optimizer's state, in the order of `set_weights`: counts, then vectors."""
        slots, scalars = self._native.state()
        return [*(np.array(value) for value in scalars.values()), *slots.values()]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Takes a state of `get_weights`, of an optimizer with the same arguments.

        Raises
        ------
        ValueError
            For another number of arrays, or other shapes.
        """
        slots, scalars = self._native.state()
        given = [np.asarray(value) for value in weights]
        count = len(scalars)
        names = list(slots) or list(self._native.slots)
        if len(given) not in (count, count + len(names)):
            raise ValueError(
                f"weights must be {count} numbers and {len(names)} vectors ({', '.join(names)}); "
                f"got {len(given)} arrays"
            )
        vectors = dict(zip(names, given[count:], strict=False))
        sizes = {array.shape for array in [*vectors.values(), *slots.values()]}
        if len(sizes) > 1:
            raise ValueError(f"weights must hold vectors of one size; got shapes {sorted(sizes)}")
        self._native.set_state(
            {name: np.ascontiguousarray(array) for name, array in vectors.items()},
            {name: float(value) for name, value in zip(scalars, given, strict=False)},
        )

    @property
    def variables(self) -> list[npt.NDArray[Any]]:
        """Copies of the state, what `get_weights` returns."""
        return self.get_weights()

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Puts the state of `get_weights` into a dict, under "0", "1", ..."""
        store.update((str(i), array) for i, array in enumerate(self.get_weights()))

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Takes what `save_own_variables` put there; errors as of `set_weights`."""
        self.set_weights([store[str(i)] for i in range(len(store))])

    def exclude_from_weight_decay(
        self, var_list: Iterable[Any] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Leaves parameters out of `weight_decay`; before the first step.

        Another call replaces what the last one said. Files and copies keep it.

        Parameters
        ----------
        var_list : list, optional
            Variables, of ``model.weights`` or ``layer.weights``, or their paths: "dense/bias".
        var_names : list of str, optional
            Regular expressions: a parameter in whose path one is found does not decay. Keras looks
            into the path's last part only.

        Raises
        ------
        TypeError, ValueError
            For what is no variable, or no pattern, and after the first step; when the model is
            known, for a path that it lacks. A pattern that is found nowhere is warned of.

        Examples
        --------
        >>> import mundur as md
        >>> optimizer = md.optimizers.AdamW(1e-3, weight_decay=0.01)
        >>> optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        """
        if self.iterations > 0:
            raise ValueError(
                "exclude_from_weight_decay comes before the first step; this optimizer has done "
                f"{self.iterations}"
            )
        paths = [] if var_list is None else [_path(one) for one in items(var_list, "var_list")]
        patterns = [] if var_names is None else items(var_names, "var_names")
        for pattern in patterns:
            if not isinstance(pattern, str):
                raise TypeError(f"var_names must hold strings; got {shown(pattern)}")
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(
                    f"var_names must hold regular expressions; {pattern!r} is none: {error}"
                ) from None
        self._spared = tuple(paths), tuple(patterns)

    def _spares(self, path: str) -> bool:
        """Whether a parameter does not decay."""
        paths, patterns = self._spared
        return path in paths or any(re.search(one, path) for one in patterns)

    def _spare(self, model: Trainee) -> None:
        """Tells native code which of a model's parameters do not decay."""
        paths, patterns = self._spared
        names = list(model._parameter_views())
        for path in paths:
            if path not in names:
                raise ValueError(
                    f"exclude_from_weight_decay: the model has no {path!r}; its parameters are "
                    f"{', '.join(names)}"
                )
        lost = [one for one in patterns if not any(re.search(one, name) for name in names)]
        if lost and self.iterations == 0:
            warnings.warn(
                f"exclude_from_weight_decay: no parameter's path holds {', '.join(map(repr, lost))}"
                f"; they are {', '.join(names)}",
                stacklevel=4,
            )
        self._native.spare(
            model.native,
            [self._spares(name) for name in names],
        )

    @property
    def iterations(self) -> int:
        """Updates done so far."""
        return self._native.iterations

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as they stand now."""
        config = super().get_config()
        if isinstance(config.get("learning_rate"), LearningRate):
            config["learning_rate"] = float(config["learning_rate"])
        if "name" in config:
            config["name"] = self._given_name
        if self._schedule is not None:
            schedule = self._schedule
            config["learning_rate"] = schedule.function if isinstance(schedule, Asked) else schedule
        return config

    def step(self, model: Trainee) -> None:
        """Updates ``model.parameters`` in place from ``model.gradients``.

        Raises
        ------
        TypeError
            For what is no model.
        ValueError
            Where the optimizer holds the state of another model.

        Examples
        --------
        >>> import mundur as md, numpy as np
        >>> model = md.Model([md.layers.Dense(1, use_bias=False)], input_shape=(1,), seed=0)
        >>> model.parameters["dense/kernel"] = [[1.0]]
        >>> model.gradients["dense/kernel"] = [[0.5]]
        >>> md.optimizers.SGD(0.5).step(model)
        >>> model.parameters["dense/kernel"]
        array([[0.75]], dtype=float32)
        """
        if not isinstance(getattr(model, "native", None), _core.Network):
            raise TypeError(f"step takes the model, as in step(model); got {type(model).__name__}")
        with model.lock:
            native = self.serve(model)
            self.look_ahead(1)
            native.step(model.native)

    def look_ahead(self, steps: int) -> int:
        """Tells native code the learning rates of the next steps; returns of how many it knows."""
        if self._schedule is None:
            return steps
        rates = rates_of(self._schedule, self.iterations, steps)
        self._native.set_learning_rates(self.iterations, rates)
        return len(rates)

    def finalize_variable_values(self, model: Trainee) -> None:
        """With `use_ema`, the model's trainable parameters become their running mean.

        `fit` does so at its end.

        Examples
        --------
        >>> import mundur as md
        >>> model = md.Model([md.layers.Dense(1, use_bias=False)], input_shape=(1,), seed=0)
        >>> optimizer = md.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
        >>> model.parameters["dense/kernel"] = [[4.0]]
        >>> model.gradients["dense/kernel"] = [[1.0]]
        >>> for step in range(2):
        ...     optimizer.step(model)
        >>> optimizer.finalize_variable_values(model)
        >>> model.parameters["dense/kernel"]
        array([[2.5]], dtype=float32)
        """
        if self.use_ema and self.iterations > 0:
            with model.lock:
                self.serve(model).take_average(model.native)

    def serve(self, model: Trainee) -> _core.Optimizer:
        """The native optimizer, for one model only: its state means nothing to another."""
        if self._busy is not None and self._busy is not model:
            raise self._at_work()
        if self._served is not None and self._served() is not model and self.iterations > 0:
            raise ValueError(
                f"this optimizer holds the state of another model after {self.iterations} steps; "
                "make a new one for each model, or call reset()"
            )
        self._served = weakref.ref(model)
        if any(self._spared):
            self._spare(model)
        if not self._rule:
            self._prepare(model)
        return self._native

    def training(self, model: Trainee) -> Training:
        """While it trains a model, no other one may, and nobody takes its state away."""
        return Training(self, model)

    def _left_behind(self) -> None:
        """Nobody trains with it any more; in a forked child, whoever did is not there."""
        self.__dict__.pop("_busy", None)

    def _at_work(self) -> RuntimeError:
        return RuntimeError(
            f"this {type(self).__name__} is training another model at this moment; make a new "
            "optimizer for each model"
        )

    def reset(self) -> None:
        """Forgets all state, the count of steps too; the hyper-parameters stay.

        Raises
        ------
        RuntimeError
            While `fit` trains with it.
        """
        if self._busy is not None:
            raise RuntimeError("reset was called while fit trains with this optimizer")
        self._forget()

    def _forget(self) -> None:
        self._native.reset()
        self._served = None

    def _expect(self, slots: Iterable[str]) -> None:
        """State of these names comes, which a rule in Python has not asked for yet."""
        if isinstance(self._native, _core.OutsideOptimizer):
            for name in slots:
                if name not in ("average", "accumulated"):
                    self._native.add_state(name, 0.0)

    def __reduce__(self) -> Any:
        spared = (self._spared,) if any(self._spared) else ()
        return _restore, (type(self), self.get_config(), self._native.state(), *spared)


class BuiltIn(Optimizer):
    """The optimizers that native code knows, by the name of their rule."""


class Training:
    """A model's claim to an optimizer, from enter to exit."""

    def __init__(self, optimizer: Optimizer, model: Trainee) -> None:
        self._optimizer = optimizer
        self._model = model

    def __enter__(self) -> None:
        self._is_outermost = self._optimizer._busy is None
        # In one step: of two threads one comes first.
        if self._optimizer.__dict__.setdefault("_busy", self._model) is not self._model:
            raise self._optimizer._at_work()

    def __exit__(self, *_: object) -> None:
        if self._is_outermost:
            self._optimizer._left_behind()


def _path(variable: Any) -> str:
    path = variable if isinstance(variable, str) else getattr(variable, "path", None)
    if not isinstance(path, str):
        raise TypeError(
            "var_list must hold variables, as model.weights and layer.weights have them, or their "
            f'paths, such as "dense/bias"; got {shown(variable)}'
        )
    return path


def _restore(
    cls: type[Optimizer], config: dict[str, Any], state: Any, spared: Any = ((), ())
) -> Optimizer:
    optimizer = cls.from_config(config)
    optimizer._spared = spared
    optimizer._expect(state[0])
    if state[0] or optimizer._native.state()[1] != state[1]:
        optimizer._native.set_state(*state)
    return optimizer
