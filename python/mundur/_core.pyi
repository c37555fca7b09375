"""The compiled core. Private: `mundur`'s classes are its face; this stub is checked against the module."""

from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

# ---- runtime ---------------------------------------------------------------------------------------------------------
def num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...
def limit_threads(
    most: int,
) -> None: ...  # for calls of the thread that says so; 0: no limit of its own
def chosen_num_threads() -> int: ...  # what set_num_threads was told; 0 is the default

# Whether arrays that native code is to fill hold NaN at first: so in builds for debugging, and in tests.
def set_poison(poisons: bool) -> None: ...
def new_array(shape: Sequence[int], dtype: str) -> npt.NDArray[Any]: ...

# Between enter and exit this thread rounds to nearest and keeps subnormal numbers, whatever the caller had set.
class ToNearest:
    def __enter__(self) -> None: ...
    def __exit__(self, arg0: object, arg1: object, arg2: object, /) -> None: ...

to_nearest: ToNearest

def available_threads() -> int: ...
def adaptive() -> bool: ...  # whether teams choose their size; else they are as large as told
def set_adaptive(adaptive: bool) -> None: ...
def available_memory() -> int: ...

# Blocks of memory the core took since the process started: a steady step takes none.
def allocation_count() -> int: ...
def current_isa() -> str: ...
def set_isa(name: str) -> None: ...
def available_isas() -> list[str]: ...
def build_info() -> dict[str, Any]: ...

# ---- random numbers --------------------------------------------------------------------------------------------------
def philox(counter: Sequence[int], key: Sequence[int]) -> list[int]: ...
def random_uniform(
    out: npt.NDArray[Any], key: int, stream: int, low: float, high: float
) -> None: ...
def random_normal(
    out: npt.NDArray[Any], key: int, stream: int, mean: float, deviation: float
) -> None: ...
def random_truncated(
    out: npt.NDArray[Any], key: int, stream: int, mean: float, deviation: float
) -> None: ...

# out (rows, columns) with orthonormal columns, or rows where there are fewer of them, times gain.
def random_orthogonal(out: npt.NDArray[Any], key: int, stream: int, gain: float) -> None: ...
def permutation(n: int, seed: int, epoch: int) -> npt.NDArray[np.int64]: ...
def block_permutation(n: int, block: int, seed: int, epoch: int) -> npt.NDArray[np.int64]: ...

# ---- vector functions, for tests and benchmarks ----------------------------------------------------------------------
def elementary(function: str, x: npt.NDArray[Any]) -> npt.NDArray[Any]: ...

# ---- penalties and constraints ---------------------------------------------------------------------------------------
# l1 * sum |w| + l2 * sum w**2 of a C-contiguous array of float32 or float64.
def penalty(w: npt.NDArray[Any], l1: float, l2: float) -> float: ...

class Constraint:
    @overload
    def __init__(self) -> None: ...  # nothing below zero
    @overload
    def __init__(self, axes: Sequence[int], least: float, most: float, rate: float) -> None: ...
    # In place, on a C-contiguous array of float32 or float64.
    def apply(self, w: npt.NDArray[Any]) -> None: ...

# ---- layers: descriptions, without memory ----------------------------------------------------------------------------
class ActivationFunction:
    # A name, and the parameters that "rectifier" (slope, threshold, maximum), "elu" (alpha) and "selu" (alpha, scale)
    # take.
    def __init__(self, name: str, parameters: Sequence[float]) -> None: ...
    # f and f' of an array z (rows, outputs) in the network's dtype, to be returned in the same shape and dtype.
    @staticmethod
    def custom(
        value: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
        slope: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
    ) -> ActivationFunction: ...
    # x: float32 or float64, C-contiguous; softmax and log_softmax along the last axis.
    def __call__(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]: ...

class LayerSpec: ...

def Dense(units: int, activation: ActivationFunction, use_bias: bool) -> LayerSpec: ...
def Activation(function: ActivationFunction) -> LayerSpec: ...

# shared: axes of a sample, ascending, along which elements are kept or dropped together.
def Dropout(rate: float, seed: int | None, shared: list[int]) -> LayerSpec: ...

# axes: of a sample; negative ones from the end.
def Softmax(axes: list[int]) -> LayerSpec: ...
def PReLU(shared: list[int]) -> LayerSpec: ...
def UnitNormalization(axes: list[int]) -> LayerSpec: ...
def Flatten() -> LayerSpec: ...
def Rescaling(scale: float, offset: float) -> LayerSpec: ...

# axis: of a sample; -1 is the last.
def BatchNormalization(
    momentum: float, epsilon: float, scale: bool, center: bool, axis: int
) -> LayerSpec: ...

# axes: of a sample, ascending; none: the last.
def LayerNormalization(epsilon: float, scale: bool, center: bool, axes: list[int]) -> LayerSpec: ...
def GroupNormalization(groups: int, epsilon: float, scale: bool, center: bool) -> LayerSpec: ...
def Normalization(is_single: bool) -> LayerSpec: ...
def GaussianNoise(stddev: float, seed: int | None) -> LayerSpec: ...
def GaussianDropout(rate: float, seed: int | None) -> LayerSpec: ...
def AlphaDropout(rate: float, seed: int | None) -> LayerSpec: ...
def Embedding(input_dim: int, output_dim: int, mask_zero: bool) -> LayerSpec: ...
def Conv1D(
    filters: int,
    kernel_size: int,
    strides: int,
    padding: str,
    dilation_rate: int,
    groups: int,
    activation: ActivationFunction,
    use_bias: bool,
) -> LayerSpec: ...
def Conv2D(
    filters: int,
    kernel_size: Sequence[int],
    strides: Sequence[int],
    padding: str,
    dilation_rate: Sequence[int],
    groups: int,
    activation: ActivationFunction,
    use_bias: bool,
) -> LayerSpec: ...
def DepthwiseConv(
    kernel_size: Sequence[int],
    strides: Sequence[int],
    padding: str,
    dilation_rate: Sequence[int],
    depth_multiplier: int,
    filters: int,  # 0: no pointwise convolution
    activation: ActivationFunction,
    use_bias: bool,
) -> LayerSpec: ...
def Conv2DTranspose(
    filters: int,
    kernel_size: Sequence[int],
    strides: Sequence[int],
    padding: str,
    dilation_rate: Sequence[int],
    output_padding: Sequence[int],  # none: what padding says
    activation: ActivationFunction,
    use_bias: bool,
) -> LayerSpec: ...

class Recurrent:
    def __init__(
        self,
        units: int,
        use_bias: bool,
        dropout: float,
        recurrent_dropout: float,
        seed: int | None,
        return_sequences: bool,
        go_backwards: bool,
        return_state: bool,
        zero_output_for_mask: bool,
        stateful: int,  # samples of each batch; 0: none begins where the last one ended
    ) -> None: ...

# Activations of recurrent layers act on single elements, and are the core's own.
def LSTM(
    recurrent: Recurrent,
    activation: ActivationFunction,
    recurrent_activation: ActivationFunction,
) -> LayerSpec: ...
def GRU(
    recurrent: Recurrent,
    activation: ActivationFunction,
    recurrent_activation: ActivationFunction,
    reset_after: bool,
) -> LayerSpec: ...
def SimpleRNN(recurrent: Recurrent, activation: ActivationFunction) -> LayerSpec: ...

# layers: two recurrent ones, ahead and backwards; merge_mode: "concat", "sum", "mul" or "ave".
def Bidirectional(
    layers: Sequence[LayerSpec], names: Sequence[str], merge_mode: str
) -> LayerSpec: ...

# Below, a Sequence has a number for each axis in front of the channels; `axes` says how many: 1 of
# time steps, 2 of images.
def Pooling(
    average: bool, pool_size: Sequence[int], strides: Sequence[int], padding: str
) -> LayerSpec: ...

# Over all of a sample.
def WholePooling(average: bool, keepdims: bool, axes: int) -> LayerSpec: ...
def SpatialDropout(rate: float, seed: int | None, axes: int) -> LayerSpec: ...

# Zeros around a sample; negative numbers take away from it.
def Margins(before: Sequence[int], after: Sequence[int]) -> LayerSpec: ...
def UpSampling(size: Sequence[int]) -> LayerSpec: ...

class RandomChange:
    # kind: "flip", "translation", "rotation", "zoom", "crop" or "contrast"; pairs are of the rows and of the columns; edge:
    # "constant", "nearest", "reflect" or "wrap".
    def __init__(
        self,
        kind: str,
        low: tuple[float, float],
        high: tuple[float, float],
        together: bool,
        edge: str,
        nearest: bool,
        fill: float,
        seed: int | None,
    ) -> None: ...

# size: of a crop's output, else ().
def RandomImage(how: RandomChange, size: Sequence[int]) -> LayerSpec: ...

# fit: "stretch", "crop", "pad" or "middle"; times: size is in sizes of the input.
def Resizing(
    size: Sequence[int], fit: str, nearest: bool, fill: float, times: bool
) -> LayerSpec: ...
def on_circle(turns: float) -> tuple[float, float]:
    """The cosine and the sine of 2π·turns."""

# One extent may be -1.
def Reshape(shape: Sequence[int]) -> LayerSpec: ...

# axes: of the input, from 0 on.
def Permute(axes: Sequence[int]) -> LayerSpec: ...
def Masking(mask_value: float) -> LayerSpec: ...
def Conv1DTranspose(
    filters: int,
    kernel_size: int,
    strides: int,
    padding: str,
    dilation_rate: int,
    activation: ActivationFunction,
    use_bias: bool,
) -> LayerSpec: ...
def RepeatVector(n: int) -> LayerSpec: ...

# mode: "concat", on that axis of a sample (-1: the last), "sum", "mul", "ave", "sub", "max" or "min".
def Merging(mode: str, axis: int) -> LayerSpec: ...

# Of each sample's axis, from 0 on.
def Dot(axis_a: int, axis_b: int, normalize: bool) -> LayerSpec: ...

# name: of the layer, in front of its parameters' names.
def TimeDistributed(layer: LayerSpec, name: str) -> LayerSpec: ...

# names: of the layers, in front of their parameters' names.
def Residual(layers: Sequence[LayerSpec], names: Sequence[str]) -> LayerSpec: ...

# A layer in Python. begin() returns what one call of it in a program asks: an object with
# forward(inputs, parameters, states, training, seed, stream, count), whose result is y, and backward(dy), whose
# result is the gradients of the inputs, then those of the parameters. All are contiguous arrays of the network's
# dtype, those given are copies; what forward leaves in `states` in training counts.
def Outside(
    begin: Callable[[], Any],
    output_shape: Sequence[int],
    parameters: Sequence[tuple[str, Sequence[int]]],
    states: Sequence[tuple[str, Sequence[int]]],
    passes_mask: bool,
) -> LayerSpec: ...

# ---- losses ----------------------------------------------------------------------------------------------------------
# a[n,k]·b[k,m], both float32 or float64: each element one chain of fused multiply-adds.
def matrix_product(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[Any]: ...

class Loss:
    # sums: the batch's loss is the sum of its samples', not their mean. axis: what a pass over a model's outputs compares
    # along, counted with the batch; by hand it is the last.
    def __init__(
        self,
        kind: str,
        from_logits: bool,
        delta: float,
        label_smoothing: float,
        gamma: float,
        positive: float,
        negative: float,
        sums: bool,
        axis: int = -1,
    ) -> None: ...
    @property
    def kind(self) -> str: ...
    @property
    def from_logits(self) -> bool: ...
    # y_pred float32 or float64 (batch, outputs); y_true the same dtype and shape, or int32 (batch,) for the sparse
    # loss; weight the same dtype (batch,) or None. All C-contiguous. `rows` of these make a sample.
    def value(
        self,
        y_true: npt.NDArray[Any],
        y_pred: npt.NDArray[Any],
        weight: npt.NDArray[Any] | None,
        rows: int,
    ) -> float: ...
    # Of each sample: a mean over outputs where the loss is one, times the weight.
    def sample_values(
        self,
        y_true: npt.NDArray[Any],
        y_pred: npt.NDArray[Any],
        weight: npt.NDArray[Any] | None,
        rows: int,
    ) -> npt.NDArray[np.float64]: ...
    def gradient(
        self,
        y_true: npt.NDArray[Any],
        y_pred: npt.NDArray[Any],
        weight: npt.NDArray[Any] | None,
        rows: int,
    ) -> npt.NDArray[Any]: ...

class PythonLoss(Loss):
    # In a pass over a set, once per batch: call(samples, y_pred, wants_gradient) returns the loss and its derivative by
    # y_pred (batch, outputs), contiguous and of y_pred's dtype, or None. `samples` (a slice or an array) picks the
    # batch's rows out of the set. Metrics need `reads_targets`, `sparse` where they are labels. A device computes a known
    # formula from what terms(samples) returns: see BatchFormula and BatchTerms in batch_losses.h.
    def __init__(
        self,
        call: Callable[
            [slice | npt.NDArray[np.int64], npt.NDArray[Any], bool],
            tuple[float, npt.NDArray[Any] | None],
        ],
        from_logits: bool,
        sparse: bool,
        reads_targets: bool,
        formula: tuple[str, dict[str, float]] | None = None,
        terms: Callable[[slice | npt.NDArray[np.int64]], tuple[Any, ...]] | None = None,
    ) -> None: ...

# ---- optimizers ------------------------------------------------------------------------------------------------------
class Optimizer:
    # "SGD", "Adam", "Nadam", "Adamax", "RMSprop", "Adagrad", "Adadelta", "Lion", "Ftrl" or "Adafactor".
    def __init__(self, rule: str) -> None: ...
    # Hyper-parameters by name, the learning rate and what may stand around every rule too: a clip of infinity, a decay or
    # ema_overwrite_frequency of 0 is none. ValueError for an unknown name.
    def __getitem__(self, option: str) -> float: ...
    def __setitem__(self, option: str, value: float) -> None: ...
    # Names of the vectors of state that the next step needs.
    @property
    def slots(self) -> list[str]: ...
    @property
    def iterations(self) -> int: ...
    # Of the updates from the one numbered `first` (iterations before it) on.
    def set_learning_rates(self, first: int, rates: Sequence[float]) -> None: ...
    # Everything but the hyper-parameters, as flat arrays in the network's dtype and float64 scalars:
    # {"velocity": ...}, {"m": ..., "v": ...}; scalars {"iterations": ..., "beta_1_power": ..., "beta_2_power": ...}.
    def state(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, float]]: ...
    def set_state(self, arrays: dict[str, npt.NDArray[Any]], scalars: dict[str, float]) -> None: ...
    def reset(self) -> None: ...
    # The network's trainable parameters become their running mean, if one is kept.
    def take_average(self, network: Network) -> None: ...
    # One flag for each of the network's parameters: those that do not decay from now on; a GPU knows nothing of them.
    def spare(self, network: Network, which: Sequence[bool]) -> None: ...
    # Updates the network's parameters from its gradients. The first step binds the optimizer to the network's size
    # and dtype; a different one later is a ValueError.
    def step(self, network: Network) -> None: ...

class OutsideOptimizer(Optimizer):
    # One whose rule is Python's: step([(number, gradient, {"w": array, slot: array, ...}), ...]), one for each parameter
    # that learns, by its number in the network. The arrays are copies, and what becomes of those in the dict counts.
    def __init__(
        self,
        step: Callable[[list[tuple[int, npt.NDArray[Any], dict[str, npt.NDArray[Any]]]]], None],
    ) -> None: ...
    # Asks for another slot, as large as the parameters, whose numbers are `first` at first.
    def add_state(self, name: str, first: float) -> None: ...

# ---- the network: a graph of layers with its memory ------------------------------------------------------------------
# Of one input or output an array, of several a tuple; below, None stands for targets or weights that are not there.
class Gpu:
    @property
    def index(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def is_emulation(self) -> bool: ...

# RuntimeError where the library, a driver or the device is missing.
def open_cuda(library: str, index: int) -> Gpu: ...
def open_devices() -> list[str]: ...

class Network:
    # Values go by numbers: first the inputs, then what each call makes. A chain calls each layer on what the one before
    # has made. Raises ValueError where shapes do not fit, MemoryError where the parameters do not.
    def __init__(
        self,
        inputs: Sequence[tuple[str, Sequence[int]]],  # names and shapes
        layers: Sequence[LayerSpec],
        names: Sequence[str],  # of the layers
        calls: Sequence[tuple[int, Sequence[int]]],  # which layer, on which values
        outputs: Sequence[int],  # values
        dtype: str,
        seed: int,
        compute_dtype: str,  # dtype's, or "bfloat16" with float32
        device: Gpu | None = None,  # None is the CPU
    ) -> None: ...
    # From now on calls compute there; NotImplementedError for what does not run there.
    def move_to(self, device: Gpu | None) -> None: ...
    @property
    def dtype(self) -> str: ...
    @property
    def compute_dtype(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def input_shape(self) -> tuple[int, ...]: ...
    @property
    def output_shape(self) -> tuple[int, ...]: ...
    @property
    def output_shapes(self) -> list[tuple[int, ...]]: ...
    # "linear", "relu", ..., "rectifier" with parameters, "custom": the activation behind the first output, and each.
    @property
    def head(self) -> str: ...
    @property
    def heads(self) -> list[str]: ...
    # (index of the layer, name, live view of the parameter, live view of its gradient), in order.
    @property
    def parameters(self) -> list[tuple[int, str, npt.NDArray[Any], npt.NDArray[Any]]]: ...
    # (index of the layer, name, live view), in order: what training changes, but no gradient.
    @property
    def state(self) -> list[tuple[int, str, npt.NDArray[Any]]]: ...
    # One flag per layer, those within others behind them; one that does not learn keeps its state and works as in an inference.
    def set_learning(self, flags: Sequence[bool]) -> None: ...
    # The flat vectors behind the views (padding between parameters is zero).
    @property
    def flat_parameters(self) -> npt.NDArray[Any]: ...
    @property
    def flat_gradients(self) -> npt.NDArray[Any]: ...
    # The same layers for samples of these shapes; ValueError where parameters would have other ones.
    def reshape(self, inputs: Sequence[Sequence[int]], layers: Sequence[LayerSpec]) -> None: ...
    # One flag per parameter; a frozen parameter gets no gradient and no update.
    def set_trainable(self, flags: Sequence[bool]) -> None: ...
    # By the parameter's place in `parameters`, the layer's in the chain; factors of 0 take a penalty away.
    # `shared`: divided by the samples of each batch.
    def set_penalty(self, parameter: int, l1: float, l2: float, shared: bool = False) -> None: ...
    def set_activity_penalty(self, layer: int, l1: float, l2: float) -> None: ...
    def set_constraint(self, parameter: int, constraint: Constraint) -> None: ...
    # Of the weights, and of the activities of the last forward by hand.
    def penalty(self, watched: bool = False) -> float: ...
    # Training forwards so far: the counter of dropout's masks. Saved with the model.
    training_forwards: int
    # Bytes that a step (training) or a prediction of this batch size takes beside parameters and gradients.
    def workspace_bytes(self, batch_size: int, training: bool) -> int: ...
    # By hand. x: any supported dtype, (batch, *input_shape).
    # Calls that are `watched` leave alone what others keep for each other; the gradients they share.
    def forward(self, x: Any, training: bool, watched: bool = False) -> Any: ...
    # RuntimeError before forward; delta (batch, *output_shape) in the network's dtype. Returns dL/dx, fills gradients.
    def backward(self, delta: Any, watched: bool = False) -> Any: ...
    # Copies of what the last watched forward and backward made of each layer, samples first: "dense/z", "a" and where
    # there is an activation its "slope" f'(z), "da", "delta". Until forget_watch() frees the memory.
    def watched_values(self) -> dict[str, npt.NDArray[Any]]: ...
    def forget_watch(self) -> None: ...
    # Batches (start, stop) of x into out[start:stop], at most about `budget` seconds, at least one;
    # returns the next start, or -1 where a feature is not finite and `check_finite`.
    def predict(
        self,
        x: Any,
        out: Any,
        start: int,
        batch_size: int,
        budget: float,
        check_finite: bool,
    ) -> int: ...

# ---- long work, in slices of about `budget` seconds without the GIL --------------------------------------------------
class Augmentation:
    """One change of training batches; shapes are (height, width, channels)."""

    @staticmethod
    def noise(stddev: float) -> Augmentation: ...
    @staticmethod
    def shift(
        shape: tuple[int, int, int], rows: int, columns: int, fill: float
    ) -> Augmentation: ...
    @staticmethod
    def flip(shape: tuple[int, int, int], horizontal: bool, vertical: bool) -> Augmentation: ...
    @staticmethod
    def random(shape: tuple[int, int, int], how: RandomChange) -> Augmentation: ...

class Trainer:
    """Epochs of training. objectives: of each output the loss, or None, its weight in the sum of all, and metrics, any of
    "accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy"; x: any supported dtype and
    strides; y: the network's dtype (n, outputs) or any real dtype, or integer labels (n,); weights: (n,) or None
    (float64); rows: which of the n samples, in this order, all if None."""

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        objectives: Sequence[tuple[Loss | None, float, Sequence[str]]],
        x: Any,
        y: Any,
        weights: Any,
        batch_size: int,
        shuffle: bool,
        seed: int,
        check_finite: bool,
        # (n, outputs) in the network's dtype: each sample's outputs go there; None where nobody asks.
        outputs: Any,
        rows: npt.NDArray[np.int64] | None = None,
    ) -> None: ...
    @property
    def steps_per_epoch(self) -> int: ...
    # Draws the order of (seed, epoch), clears the sums, keeps a copy of parameters and optimizer state.
    def begin_epoch(self, epoch: int) -> None: ...
    # Directly after begin_epoch: so many of its steps were done before, with these sums.
    def resume(self, step: int, sums: Sequence[float]) -> None: ...
    @property
    def sums(self) -> list[float]: ...  # of loss, of terms, of samples, of each metric
    # Runs steps until the epoch ends, `budget` seconds are over or `max_steps` (-1: no limit) are done. Returns
    # "finished", "more", "loss" (a loss was not finite) or "input" (a feature was not finite); for the last two,
    # parameters, optimizer and counters are back at the epoch's start.
    # Small epochs go on into the next ones, at most `more`, while the loss is above `stop_loss` and parameters are finite.
    def run(self, budget: float, max_steps: int, more: int = 0, stop_loss: float = ...) -> str: ...
    # (epochs, means): those of each epoch that the last run left behind so.
    @property
    def passed(self) -> npt.NDArray[np.float64]: ...
    # The next batch of an epoch that is told batch by batch, as one step; the first comes before begin_epoch.
    def feed(self, x: Any, y: Any, weights: Any, outputs: Any = None) -> None: ...
    def set_augment(self, steps: Sequence[Augmentation]) -> None: ...
    # Shuffles keep blocks of so many neighbours together; 0: none.
    def set_block(self, rows: int) -> None: ...
    # Takes the epoch's updates back; False where no copy was kept, as in an epoch of one step.
    def undo(self) -> bool: ...
    # Steps done in this epoch; over them the mean loss, that of each output where there are several, and all scores; last
    # batch's loss.
    # Whether parameters, optimizer and state went back to where the epoch began.
    @property
    def restored(self) -> bool: ...
    @property
    def step(self) -> int: ...
    @property
    def means(self) -> list[float]: ...
    @property
    def batch_loss(self) -> float: ...

class Evaluator:
    """The loss and the metrics of a network over a set; arguments as for Trainer."""

    def __init__(
        self,
        network: Network,
        objectives: Sequence[tuple[Loss | None, float, Sequence[str]]],
        x: Any,
        y: Any,
        weights: Any,
        batch_size: int,
        check_finite: bool,
        outputs: Any,
        rows: npt.NDArray[np.int64] | None = None,
    ) -> None: ...
    # "finished", "more" or "input"; a budget of 0 is a single batch.
    def run(self, budget: float) -> str: ...
    def feed(self, x: Any, y: Any, weights: Any, outputs: Any = None) -> None: ...
    @property
    def step(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def means(self) -> list[float]: ...

# First (sample, flat feature index) of x that is NaN or infinite, or None.
def first_nonfinite(x: npt.NDArray[Any]) -> tuple[int, int] | None: ...
