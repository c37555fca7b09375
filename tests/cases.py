"""The table of cases; the drivers over it are in test_numerics.py and test_bits.py.

One row buys a layer, a loss or an optimizer its tests of value, gradient, threads, instruction
sets, dtypes and saving.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


@dataclass(frozen=True)
class LayerCase:
    """One layer on samples of one shape; the arguments are mundur's and the textbook's alike."""

    id: str
    layer: str
    arguments: dict[str, Any]
    shape: tuple[int, ...]
    batch: int = 5
    tolerance: dict[str, float] = field(default_factory=lambda: TOLERANCE)
    reason: str = ""  # for a looser tolerance
    ids: int = 0  # samples are ids below that, instead of numbers
    blank: float | None = None  # what some time steps hold instead of numbers

    def samples(self, rng: np.random.Generator, dtype: str = "float64") -> npt.NDArray[Any]:
        """A batch, in the dtype unless it is ids."""
        shape = (self.batch, *self.shape)
        if self.ids:
            return rng.integers(0, self.ids, size=shape)
        x = rng.normal(size=shape)
        if self.blank is not None:
            x[rng.random(size=shape[:-1]) < 0.4] = self.blank
        return x.astype(dtype)


@dataclass(frozen=True)
class MergeCase:
    """A layer that joins values, on samples of one shape each."""

    id: str
    layer: str
    arguments: dict[str, Any]
    shapes: tuple[tuple[int, ...], ...]
    batch: int = 5

    def samples(self, rng: np.random.Generator, dtype: str = "float64") -> list[npt.NDArray[Any]]:
        """A batch for each input, some numbers of the second as in the first."""
        found = [rng.normal(size=(self.batch, *shape)).astype(dtype) for shape in self.shapes]
        if len(found) > 1 and found[0].shape == found[1].shape:
            found[1][0] = found[0][0]
        return found


def dense(units: int, inputs: int, batch: int = 5, **arguments: Any) -> LayerCase:
    name = "_".join(str(value) for value in arguments.values())
    return LayerCase(
        f"dense_{inputs}x{units}_b{batch}" + (f"_{name}" if name else ""),
        "Dense",
        {"units": units, **arguments},
        (inputs,),
        batch,
    )


def normalization(layer: str, columns: int, batch: int = 5, **arguments: Any) -> LayerCase:
    name = "_".join(f"{key}_{value}" for key, value in arguments.items())
    return LayerCase(
        f"{layer}_{columns}_b{batch}" + (f"_{name}" if name else ""),
        layer,
        arguments,
        (columns,),
        batch,
    )


def embedding(
    ids: int, columns: int, batch: int = 5, steps: int = 4, **arguments: Any
) -> LayerCase:
    name = "_".join(f"{key}_{value}" for key, value in arguments.items())
    return LayerCase(
        f"embedding_{ids}x{columns}_b{batch}" + (f"_{name}" if name else ""),
        "Embedding",
        {"input_dim": ids, "output_dim": columns, **arguments},
        (steps,),
        batch,
        ids=ids,
    )


def recurrent(
    layer: str, units: int, inputs: int = 5, steps: int = 4, batch: int = 5, **arguments: Any
) -> LayerCase:
    name = "_".join(f"{key}_{value}" for key, value in arguments.items())
    return LayerCase(
        f"{layer}_{inputs}x{units}_t{steps}_b{batch}" + (f"_{name}" if name else ""),
        layer,
        {"units": units, **arguments},
        (steps, inputs),
        batch,
    )


def conv1d(
    filters: int, kernel_size: int, steps: int, channels: int, batch: int = 3, **arguments: Any
) -> LayerCase:
    name = "_".join(str(value) for value in arguments.values())
    return LayerCase(
        f"conv1d_{kernel_size}x{channels}x{filters}_of_{steps}_b{batch}"
        + (f"_{name}" if name else ""),
        "Conv1D",
        {"filters": filters, "kernel_size": kernel_size, **arguments},
        (steps, channels),
        batch,
    )


def conv2d(
    filters: int,
    size: int | tuple[int, int],
    shape: tuple[int, int, int],
    batch: int = 5,
    **arguments: Any,
) -> LayerCase:
    """Windows of that size on images (rows, columns, channels)."""
    told = "x".join(map(str, size)) if isinstance(size, tuple) else str(size)
    return LayerCase(
        f"conv2d_{told}x{shape[2]}x{filters}_of_{shape[0]}x{shape[1]}_b{batch}"
        + "".join(f"_{name}_{value}" for name, value in arguments.items()),
        "Conv2D",
        {"filters": filters, "kernel_size": size} | arguments,
        shape,
        batch,
    )


def windowed(layer: str, shape: tuple[int, ...], batch: int = 3, **arguments: Any) -> LayerCase:
    """A layer of windows on samples of that shape, by what tells it apart."""

    def text(value: Any) -> str:
        return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)

    told = "".join(f"_{key}_{text(value)}" for key, value in arguments.items())
    return LayerCase(f"{layer}_of_{text(shape)}_b{batch}{told}", layer, arguments, shape, batch)


def conv1d_transpose(
    filters: int, kernel_size: int, steps: int, channels: int, batch: int = 3, **arguments: Any
) -> LayerCase:
    name = "_".join(str(value) for value in arguments.values())
    return LayerCase(
        f"conv1d_transpose_{kernel_size}x{channels}x{filters}_of_{steps}_b{batch}"
        + (f"_{name}" if name else ""),
        "Conv1DTranspose",
        {"filters": filters, "kernel_size": kernel_size, **arguments},
        (steps, channels),
        batch,
    )


SEQUENCES = [(1, 1), (1, 7), (40, 2), (17, 20)]  # inputs, steps
RECURRENT = ["SimpleRNN", "LSTM", "GRU"]
ACTIVATIONS = ["linear", "relu", "sigmoid", "tanh", "softmax"]
CURVES = [
    *("leaky_relu", "relu6", "elu", "selu", "gelu", "gelu_tanh", "silu", "softplus", "softsign"),
    *("mish", "hard_sigmoid", "hard_silu", "exponential"),
]
# Those whose derivative is taken at z have no part in a product's epilogue.
NAMED = [*ACTIVATIONS, "log_softmax", *CURVES]

# Sizes around vectors (4, 8, 16), tiles and the lanes' threshold; 1 is an ordinary size.
LAYERS = [
    *(dense(7, 5, activation=activation) for activation in NAMED),
    *(dense(units, 9, activation="gelu") for units in (1, 15, 16, 17, 33)),
    dense(49, 9, batch=257, activation="mish"),
    dense(3, 40, activation="silu"),
    dense(7, 5, use_bias=False),
    *(dense(units, 9, batch=3) for units in (1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 33, 48, 49)),
    *(dense(3, inputs, batch=2) for inputs in (1, 2, 15, 16, 17, 31, 32, 33, 64, 100)),
    *(dense(6, 4, batch=batch) for batch in (1, 2, 7, 8, 9, 16, 17)),
    # Tiles of 8 rows by 48 columns (AVX-512), of 6 by 16 (AVX2), from each of their sides.
    *(dense(units, 33, batch=batch) for units in (47, 48, 49) for batch in (7, 8, 9)),
    *(dense(units, 5, batch=batch) for units in (15, 17) for batch in (5, 6)),
    *(dense(7, inputs, batch=batch) for inputs in (47, 48, 49) for batch in (7, 9)),
    dense(49, 9, batch=257),
    dense(3, 801, batch=2),  # two blocks of the inner index
    dense(1, 40, batch=17),
    dense(40, 1, batch=9),
    dense(5, 3, batch=300, activation="tanh"),  # two shards of 256 samples
    dense(2, 2, batch=515),  # three
    *(LayerCase(f"activation_{name}", "Activation", {"activation": name}, (11,)) for name in NAMED),
    *(
        LayerCase(f"activation_{name}_{n}", "Activation", {"activation": name}, (n,), batch=1)
        for name in ("log_softmax", *CURVES)
        for n in (1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33)
    ),
    LayerCase("relu", "ReLU", {}, (11,)),
    LayerCase(
        "relu_bends", "ReLU", {"max_value": 0.8, "negative_slope": 0.1, "threshold": 0.3}, (17,)
    ),
    LayerCase("relu_threshold", "ReLU", {"threshold": 0.5}, (17,)),
    LayerCase("leaky_relu", "LeakyReLU", {"negative_slope": 0.4}, (3, 5)),
    LayerCase("elu", "ELU", {"alpha": 0.7}, (9,)),
    LayerCase("softmax", "Softmax", {}, (2, 6)),
    LayerCase("softmax_over_steps", "Softmax", {"axis": 1}, (4, 6)),
    LayerCase("softmax_from_behind", "Softmax", {"axis": -2}, (17, 5)),
    LayerCase("softmax_over_both", "Softmax", {"axis": (1, 2)}, (3, 6)),
    LayerCase("softmax_over_two_of_three", "Softmax", {"axis": (1, -1)}, (2, 3, 9)),
    *(LayerCase(f"prelu_{n}", "PReLU", {}, (n,)) for n in (1, 7, 16, 33)),
    LayerCase("prelu_of_all", "PReLU", {}, (4, 9), batch=257),
    LayerCase("prelu_of_channels", "PReLU", {"shared_axes": 1}, (4, 9), batch=70),
    LayerCase("prelu_of_steps", "PReLU", {"shared_axes": (2,)}, (7, 5)),
    LayerCase("prelu_one_for_all", "PReLU", {"shared_axes": (1, 2)}, (3, 5)),
    LayerCase("prelu_of_one_axis_of_three", "PReLU", {"shared_axes": (1, 3)}, (2, 3, 4)),
    LayerCase("prelu_penalised", "PReLU", {"alpha_regularizer": "l1_l2"}, (11,)),
    dense(7, 5, kernel_regularizer="l1_l2", bias_regularizer="l1"),
    dense(49, 33, batch=9, activation="relu", kernel_regularizer="l2", activity_regularizer="l1"),
    dense(5, 3, batch=300, activation="tanh", activity_regularizer="l1_l2"),
    *(
        LayerCase(
            f"activation_{name}_penalised",
            "Activation",
            {"activation": name, "activity_regularizer": "l1_l2"},
            (11,),
        )
        for name in ("linear", "sigmoid", "softmax")
    ),
    LayerCase("activity_regularization", "ActivityRegularization", {"l1": 0.1, "l2": 0.2}, (3, 7)),
    LayerCase("dropout", "Dropout", {"rate": 0.4}, (33,)),
    LayerCase("dropout_none", "Dropout", {"rate": 0.0}, (5,)),
    LayerCase("dropout_shared", "Dropout", {"rate": 0.4, "noise_shape": (None, 1, 7)}, (3, 7)),
    LayerCase("flatten", "Flatten", {}, (3, 4)),
    *(normalization("BatchNormalization", columns) for columns in (1, 3, 16, 17, 33)),
    # Shards of 256 samples: one, two, three.
    *(normalization("BatchNormalization", 7, batch) for batch in (1, 3, 256, 257, 515)),
    LayerCase(
        "BatchNormalization_7_b2",
        "BatchNormalization",
        {},
        (7,),
        batch=2,
        tolerance={"float32": 1e-4, "float64": 1e-12},
        reason="x̂ is ±1 but for ε: dx is what nearly equal numbers leave of one another",
    ),
    normalization("BatchNormalization", 6, momentum=0.5, epsilon=0.1),
    normalization("BatchNormalization", 6, center=False),
    normalization("BatchNormalization", 6, scale=False),
    normalization("BatchNormalization", 6, center=False, scale=False),
    LayerCase("batch_normalization_of_sequences", "BatchNormalization", {}, (3, 18)),
    LayerCase("batch_normalization_axis_1", "BatchNormalization", {"axis": 1}, (3, 5, 4)),
    LayerCase("layer_normalization_axes", "LayerNormalization", {"axis": (2, 3)}, (3, 5, 4)),
    LayerCase("layer_normalization_axis_1", "LayerNormalization", {"axis": 1}, (18, 3)),
    # Around the 16 virtual lanes; one element has no variance.
    *(normalization("LayerNormalization", columns) for columns in (1, 2, 15, 16, 17, 33, 100)),
    *(normalization("LayerNormalization", 7, batch) for batch in (1, 257)),
    normalization("LayerNormalization", 6, epsilon=0.1),
    normalization("LayerNormalization", 6, center=False),
    normalization("LayerNormalization", 6, scale=False),
    LayerCase("layer_normalization_of_sequences", "LayerNormalization", {}, (3, 18)),
    *(normalization("UnitNormalization", columns) for columns in (2, 16, 17, 33)),
    normalization("UnitNormalization", 7, 257),
    LayerCase("unit_normalization_of_steps", "UnitNormalization", {"axis": 1}, (5, 3)),
    LayerCase("unit_normalization_of_both", "UnitNormalization", {"axis": (1, 2)}, (3, 18)),
    *(
        LayerCase(
            f"group_normalization_{groups}_of_{'x'.join(map(str, shape))}",
            "GroupNormalization",
            {"groups": groups, **arguments},
            shape,
        )
        for groups, shape, arguments in (
            (2, (6,), {}),
            (1, (3, 4, 5), {}),
            (-1, (5, 4, 3), {"center": False}),
            (3, (4, 3, 6), {"epsilon": 0.1, "scale": False}),
            (2, (7, 18), {"center": False, "scale": False}),
            (4, (2, 3, 68), {}),
        )
    ),
    # Random numbers come in groups of 32 and 64.
    LayerCase("gaussian_noise", "GaussianNoise", {"stddev": 0.5}, (33,)),
    LayerCase("gaussian_noise_none", "GaussianNoise", {"stddev": 0.0}, (5,)),
    LayerCase("gaussian_dropout", "GaussianDropout", {"rate": 0.4}, (33,)),
    LayerCase("gaussian_dropout_none", "GaussianDropout", {"rate": 0.0}, (5,)),
    LayerCase("alpha_dropout", "AlphaDropout", {"rate": 0.4}, (33,)),
    LayerCase("alpha_dropout_none", "AlphaDropout", {"rate": 0.0}, (5,)),
    # Columns shared out, or rows; shards of 256 samples: one, two, three.
    *(embedding(ids, columns) for ids in (1, 7, 300) for columns in (1, 3, 16, 17, 64)),
    *(embedding(11, 33, batch, steps=steps) for batch, steps in ((1, 1), (257, 3), (515, 2))),
    embedding(9, 5, mask_zero=True),
    embedding(9, 40, embeddings_regularizer="l1_l2"),
    LayerCase("embedding_of_rank_2", "Embedding", {"input_dim": 6, "output_dim": 3}, (2, 4), ids=6),
    *(conv1d(filters, 3, 9, 2) for filters in (1, 2, 4, 5, 16, 17, 33, 49)),
    *(conv1d(3, 2, 6, channels) for channels in (1, 4, 16, 17, 33)),
    *(
        conv1d(3, size, 7, 2, padding=p)
        for size in (1, 2, 3, 7)
        for p in ("valid", "same", "causal")
    ),
    *(
        conv1d(3, 4, 7, 2, padding=p, strides=s)
        for s in (2, 3)
        for p in ("valid", "same", "causal")
    ),
    *(conv1d(3, 3, 7, 2, padding=p, dilation_rate=3) for p in ("valid", "same", "causal")),
    *(conv1d(3, 9, 4, 2, padding=p) for p in ("same", "causal")),  # no step sees with all taps
    conv1d(2, 2, 3, 2, padding="same", dilation_rate=5),  # one sees nothing
    *(conv1d(5, 3, 9, 2, activation=name) for name in ("relu", "tanh", "softmax", "gelu")),
    conv1d(3, 3, 9, 2, use_bias=False, kernel_regularizer="l1_l2"),
    *(conv1d(6, 3, 8, 4, groups=2, padding=p) for p in ("valid", "causal")),
    conv1d(4, 2, 7, 4, groups=4, strides=2, activation="relu"),
    # A sample by itself, or a step of all; shards of 256 steps; groups of 256 samples.
    *(conv1d(2, 2, 66, 2, batch=batch, padding="same") for batch in (1, 2, 70)),
    conv1d(2, 3, 300, 1, batch=2, padding="causal"),
    conv1d(2, 2, 3, 1, batch=300),
    conv1d(2, 2, 4, 1, batch=140, strides=2),  # rows that lie evenly
    conv1d(33, 3, 5, 16, padding="same"),  # in bfloat16, too
    *(conv2d(filters, 3, (5, 4, 2), 3) for filters in (1, 2, 5, 16, 17, 49)),
    *(conv2d(3, 2, (4, 5, channels), 3) for channels in (1, 4, 16, 17)),
    *(
        conv2d(3, size, (5, 4, 2), 3, padding=p)
        for size in (1, (1, 3), (3, 1), 4)
        for p in ("valid", "same")
    ),
    *(
        conv2d(3, 3, (6, 5, 2), 2, padding=p, strides=s)
        for p in ("valid", "same")
        for s in (2, (1, 3), (4, 1))
    ),
    conv2d(3, 1, (5, 5, 2), 3, strides=2),  # some places nobody sees
    *(conv2d(3, 2, (5, 6, 2), 2, padding=p, dilation_rate=(2, 3)) for p in ("valid", "same")),
    conv2d(2, (7, 5), (2, 2, 2), 2, padding="same"),  # no window lies within
    *(conv2d(5, 3, (4, 4, 2), 2, activation=name) for name in ("relu", "tanh", "softmax", "gelu")),
    conv2d(3, 3, (4, 4, 2), 2, use_bias=False, kernel_regularizer="l1_l2"),
    *(conv2d(6, 3, (5, 4, 4), 2, groups=2, padding=p) for p in ("valid", "same")),
    conv2d(4, 2, (5, 4, 4), 2, groups=4, strides=2, activation="relu"),
    *(conv2d(2, 2, (9, 9, 2), batch, padding="same") for batch in (1, 2, 30)),  # shards
    conv2d(2, 2, (3, 2, 1), 300),
    conv2d(9, 1, (8, 9, 33), 8),  # patches that lie there
    conv2d(20, 3, (7, 7, 40), 2, padding="same"),
    *(
        LayerCase(
            f"{layer}_{'_'.join(map(str, arguments.values()))}_c{channels}",
            layer,
            arguments,
            (11, channels),
        )
        for layer in ("MaxPooling1D", "AveragePooling1D")
        for arguments, channels in (
            *(({"pool_size": 2}, channels) for channels in (1, 2, 3, 16, 17, 33)),
            *(
                ({"pool_size": 3, "strides": s, "padding": p}, 4)
                for s in (1, 2, 4)
                for p in ("valid", "same")
            ),
            ({"pool_size": 11}, 2),
            ({"pool_size": 20, "padding": "same", "strides": 1}, 2),
        )
    ),
    *(
        LayerCase(
            f"{layer}_{'_'.join(map(str, arguments.values()))}_{'x'.join(map(str, shape))}",
            layer,
            arguments,
            shape,
        )
        for layer in ("MaxPooling2D", "AveragePooling2D")
        for arguments, shape in (
            *(({"pool_size": 2}, (4, 6, channels)) for channels in (1, 6, 16, 17, 33)),
            *(
                ({"pool_size": (3, 2), "strides": s, "padding": p}, (7, 5, 3))
                for s in (1, (2, 3))
                for p in ("valid", "same")
            ),
            ({"pool_size": (17, 19), "padding": "same"}, (18, 20, 2)),  # more than a shard sees
            ({"pool_size": 16, "strides": 1}, (17, 18, 2)),  # as many taps as a byte tells
            ({"pool_size": (1, 3)}, (1, 9, 2)),
            ({"pool_size": (2, 1), "strides": (3, 1)}, (5, 1, 5)),
        )
    ),
    *(
        LayerCase(
            f"{layer}_{'x'.join(map(str, shape))}_{keepdims}", layer, {"keepdims": keepdims}, shape
        )
        for layer in ("GlobalMaxPooling2D", "GlobalAveragePooling2D")
        for shape, keepdims in (
            ((1, 1, 1), False),
            ((3, 5, 17), True),
            ((20, 15, 3), False),
        )
    ),
    *(
        LayerCase(
            f"{layer}_{steps}x{channels}_{keepdims}",
            layer,
            {"keepdims": keepdims},
            (steps, channels),
        )
        for layer in ("GlobalMaxPooling1D", "GlobalAveragePooling1D")
        for steps, channels, keepdims in (
            (1, 1, False),
            (5, 17, True),
            (300, 3, False),
            (600, 2, False),
        )
    ),
    LayerCase("spatial_dropout1d", "SpatialDropout1D", {"rate": 0.4}, (6, 33)),
    LayerCase("spatial_dropout1d_one_step", "SpatialDropout1D", {"rate": 0.4}, (1, 70)),
    LayerCase("spatial_dropout1d_none", "SpatialDropout1D", {"rate": 0.0}, (3, 5)),
    LayerCase("spatial_dropout2d", "SpatialDropout2D", {"rate": 0.4}, (3, 2, 33)),
    LayerCase("reshape", "Reshape", {"target_shape": (2, -1)}, (3, 4)),
    LayerCase("reshape_to_a_row", "Reshape", {"target_shape": (24,)}, (2, 3, 4)),
    LayerCase("permute", "Permute", {"dims": (2, 1)}, (5, 7)),
    LayerCase("permute_three", "Permute", {"dims": (3, 1, 2)}, (2, 3, 5)),
    LayerCase("zero_padding1d", "ZeroPadding1D", {"padding": 2}, (3, 5)),
    LayerCase("zero_padding1d_in_front", "ZeroPadding1D", {"padding": (3, 0)}, (2, 1)),
    LayerCase("masking", "Masking", {}, (6, 3), blank=0.0),
    LayerCase("masking_of_a_channel", "Masking", {"mask_value": 0.5}, (70, 1), blank=0.5),
    LayerCase("masking_of_vectors", "Masking", {"mask_value": -1}, (5,), batch=17, blank=-1.0),
    LayerCase("masking_of_rank_3", "Masking", {"mask_value": 2.5}, (2, 3, 17), blank=2.5),
    *(LayerCase(f"repeat_vector_{n}", "RepeatVector", {"n": n}, (17,)) for n in (1, 4, 300)),
    LayerCase("cropping1d", "Cropping1D", {"cropping": (2, 1)}, (6, 5)),
    LayerCase("cropping1d_of_a_channel", "Cropping1D", {"cropping": 1}, (3, 1)),
    *(LayerCase(f"up_sampling1d_{n}", "UpSampling1D", {"size": n}, (5, 17)) for n in (1, 3)),
    LayerCase("zero_padding2d", "ZeroPadding2D", {"padding": 2}, (3, 2, 5)),
    LayerCase("zero_padding2d_sides", "ZeroPadding2D", {"padding": ((3, 0), (1, 2))}, (2, 3, 1)),
    LayerCase("zero_padding2d_of_columns", "ZeroPadding2D", {"padding": (0, 1)}, (2, 1, 17)),
    LayerCase("cropping2d", "Cropping2D", {"cropping": 1}, (3, 4, 5)),
    LayerCase("cropping2d_sides", "Cropping2D", {"cropping": ((2, 0), (0, 1))}, (6, 2, 3)),
    LayerCase("cropping2d_nothing", "Cropping2D", {}, (2, 3, 2)),
    *(
        LayerCase(f"up_sampling2d_{size}", "UpSampling2D", {"size": size}, (3, 2, channels))
        for size, channels in ((1, 1), (2, 17), ((3, 2), 6), ((1, 4), 3))
    ),
    *(
        LayerCase(
            f"up_sampling2d_bilinear_{size}",
            "UpSampling2D",
            {"size": size, "interpolation": "bilinear"},
            (3, 4, channels),
        )
        for size, channels in ((2, 1), ((3, 1), 5))
    ),
    # Images from elsewhere.
    *(
        LayerCase(f"random_flip_{mode}", "RandomFlip", {"mode": mode}, (3, 4, 2), batch=9)
        for mode in ("horizontal", "vertical", "horizontal_and_vertical")
    ),
    *(
        LayerCase(
            f"random_{title}_{fill}",
            f"Random{title.capitalize()}",
            arguments | {"fill_mode": fill, "fill_value": 0.5},
            (5, 4, channels),
        )
        for title, arguments in (
            ("translation", {"height_factor": 0.9, "width_factor": (-0.5, 1)}),
            ("rotation", {"factor": 0.5}),
            ("zoom", {"height_factor": (-0.6, 1), "width_factor": 0.7}),
        )
        for fill, channels in (("constant", 1), ("nearest", 3), ("reflect", 17), ("wrap", 2))
    ),
    LayerCase(
        "random_translation_of_whole_pixels",
        "RandomTranslation",
        {"height_factor": 0.4, "width_factor": 0.3, "interpolation": "nearest"},
        (6, 5, 2),
    ),
    LayerCase(
        "random_rotation_to_the_nearest",
        "RandomRotation",
        {"factor": (0.1, 0.9), "interpolation": "nearest"},
        (4, 7, 2),
    ),
    LayerCase("random_rotation_none", "RandomRotation", {"factor": 0}, (3, 4, 2)),
    LayerCase("random_zoom_of_both", "RandomZoom", {"height_factor": 0.5}, (4, 3, 2)),
    *(
        LayerCase(f"random_crop_{h}x{w}_of_{shape}", "RandomCrop", {"height": h, "width": w}, shape)
        for h, w, shape in (
            (2, 3, (5, 7, 2)),
            (4, 2, (4, 6, 1)),
            (6, 3, (4, 5, 3)),
            (1, 1, (9, 9, 1)),
        )
    ),
    LayerCase("random_contrast", "RandomContrast", {"factor": 0.8}, (4, 5, 3)),
    LayerCase(
        "random_contrast_within",
        "RandomContrast",
        {"factor": (0, 1), "value_range": (-1, 1)},
        (3, 3, 1),
        batch=9,
    ),
    *(
        LayerCase(
            f"resizing_{h}x{w}_of_{shape[0]}x{shape[1]}" + "".join(f"_{v}" for v in options),
            "Resizing",
            {"height": h, "width": w} | options,
            shape,
        )
        for h, w, shape, options in (
            (3, 7, (5, 4, 2), {}),
            (9, 2, (3, 5, 1), {"interpolation": "nearest"}),
            (4, 4, (6, 9, 2), {"crop_to_aspect_ratio": True}),
            (4, 4, (6, 9, 2), {"pad_to_aspect_ratio": True, "fill_value": 0.5}),
            (5, 5, (5, 5, 1), {}),
        )
    ),
    *(
        LayerCase(f"center_crop_{h}x{w}_of_{shape}", "CenterCrop", {"height": h, "width": w}, shape)
        for h, w, shape in ((2, 3, (5, 6, 2)), (7, 3, (5, 6, 2)))
    ),
    # Layers of any rank on images.
    LayerCase("batch_normalization_of_images", "BatchNormalization", {}, (5, 4, 6)),
    LayerCase("layer_normalization_of_images", "LayerNormalization", {}, (3, 4, 6)),
    LayerCase("dropout_of_images", "Dropout", {"rate": 0.4}, (3, 4, 5)),
    LayerCase("flatten_of_images", "Flatten", {}, (3, 4, 2)),
    LayerCase("dense_of_images", "Dense", {"units": 5, "activation": "relu"}, (3, 4, 2)),
    LayerCase("rescaling_of_images", "Rescaling", {"scale": 1 / 255, "offset": -0.5}, (3, 4, 2)),
    LayerCase(
        "normalization",
        "Normalization",
        {"mean": [0.5, -1.0, 2.0], "variance": [4.0, 0.25, 0.0]},
        (3,),
    ),
    LayerCase(
        "normalization_of_all",
        "Normalization",
        {"axis": None, "mean": 2.0, "variance": 9.0},
        (4, 5),
    ),
    LayerCase(
        "normalization_back",
        "Normalization",
        {"mean": 2.0, "variance": 9.0, "invert": True},
        (4, 17),
    ),
    *(
        conv1d_transpose(filters, 3, 5, channels)
        for filters, channels in ((1, 1), (4, 17), (33, 2))
    ),
    *(
        conv1d_transpose(3, size, 4, 2, strides=s, padding=p)
        for size, s in ((2, 2), (3, 2), (5, 2), (3, 3), (2, 3), (1, 4))
        for p in ("valid", "same")
    ),
    *(conv1d_transpose(3, 3, 6, 2, padding=p, dilation_rate=2) for p in ("valid", "same")),
    conv1d_transpose(3, 3, 6, 2, activation="tanh", kernel_regularizer="l1_l2"),
    *(
        conv1d_transpose(3, 5, 4, 2, strides=2, activation=name)
        for name in ("relu", "tanh", "softmax")
    ),
    conv1d_transpose(2, 2, 3, 2, batch=300, use_bias=False),
    # Lanes over pixels: up to eight filters, on images that are worth it; and back of strides.
    *(
        conv2d(filters, 3, (7, 9, channels), 2, padding=p)
        for filters in range(1, 9)
        for channels, p in ((1, "valid"), (3, "same"), (17, "same"))
    ),
    *(conv2d(3, (3, 2), (9, 11, 2), 2, padding=p, dilation_rate=(2, 3)) for p in ("valid", "same")),
    *(conv2d(5, size, (9, 8, 4), 2, padding="same") for size in ((5, 1), (1, 4), (12, 11))),
    *(conv2d(6, 5, (11, 40, 1), 2, activation=name) for name in ("relu", "tanh", "softmax")),
    conv2d(1, (2, 1), (60, 40, 16), 1),  # some rows, then others
    *(conv2d(16, 3, (14, 15, 3), 2, padding=p, strides=(2, 1)) for p in ("valid", "same")),
    # Lanes over filters: more of them, on up to eight channels.
    *(
        conv2d(filters, (2, 3), (3, 14, channels), 3, padding=p)
        for filters, channels in ((9, 1), (16, 8), (33, 3), (100, 1))
        for p in ("valid", "same")
    ),
    conv2d(17, 3, (9, 11, 2), 3, padding="same", dilation_rate=(3, 2), activation="softmax"),
    windowed("Conv2DTranspose", (7, 8, 2), filters=3, kernel_size=4, strides=2, activation="relu"),
    # Lanes over channels and places: around registers, several places in one, each side of them.
    *(
        windowed("DepthwiseConv2D", (5, 21, channels), kernel_size=3, padding=p)
        for channels in (1, 2, 3, 5, 16, 17, 33, 64, 65)
        for p in ("valid", "same")
    ),
    *(
        windowed("DepthwiseConv2D", (5, 7, 3), kernel_size=size, padding="same", depth_multiplier=d)
        for size in (1, (1, 3), (4, 2))
        for d in (1, 2, 3, 8, 9)
    ),
    *(
        windowed("DepthwiseConv2D", (8, 9, 3), kernel_size=(3, 2), padding=p, **more)
        for p in ("valid", "same")
        for more in (
            {"strides": 2, "depth_multiplier": 2},
            {"strides": (1, 3)},
            {"dilation_rate": (2, 3), "depth_multiplier": 2},
        )
    ),
    windowed("DepthwiseConv2D", (2, 2, 2), kernel_size=(7, 5), padding="same"),
    windowed("DepthwiseConv2D", (5, 5, 2), kernel_size=1, strides=2),  # some places nobody sees
    windowed("DepthwiseConv2D", (3, 3, 1), 300, kernel_size=2, use_bias=False),
    windowed("DepthwiseConv2D", (9, 9, 6), 30, kernel_size=3, depth_multiplier=2),  # shards
    *(
        windowed("DepthwiseConv2D", (4, 4, 5), kernel_size=3, activation=name)
        for name in ("relu", "tanh", "softmax", "gelu")
    ),
    windowed("DepthwiseConv2D", (4, 4, 5), kernel_size=3, depthwise_regularizer="l1_l2"),
    *(
        conv2d(2 * groups, 3, (5, 6, 3 * groups), 3, groups=groups, padding="same", strides=s)
        for groups in (2, 11)
        for s in (1, 2)
    ),
    conv2d(33, 2, (4, 5, 16), 3, padding="same"),  # in bfloat16, too
    *(
        windowed("DepthwiseConv1D", (9, channels), kernel_size=3, padding=p, depth_multiplier=d)
        for channels, d in ((1, 1), (4, 1), (17, 2))
        for p in ("valid", "same")
    ),
    windowed("DepthwiseConv1D", (9, 3), kernel_size=4, strides=2, activation="relu"),
    windowed("DepthwiseConv1D", (9, 3), kernel_size=3, dilation_rate=2, padding="same"),
    *(
        windowed("SeparableConv2D", (5, 6, 3), filters=filters, kernel_size=3, **more)
        for filters, more in (
            (1, {}),
            (17, {"padding": "same", "depth_multiplier": 2}),
            (4, {"strides": 2, "padding": "same", "activation": "relu"}),
            (5, {"dilation_rate": 2, "use_bias": False, "pointwise_regularizer": "l2"}),
        )
    ),
    windowed("SeparableConv1D", (9, 3), filters=5, kernel_size=3),
    windowed("SeparableConv1D", (9, 3), filters=2, kernel_size=4, strides=3, depth_multiplier=2),
    *(
        windowed("Conv2DTranspose", (3, 4, channels), filters=filters, kernel_size=3)
        for filters, channels in ((1, 1), (4, 17), (33, 2))
    ),
    *(
        windowed("Conv2DTranspose", (3, 4, 2), filters=3, kernel_size=size, strides=s, padding=p)
        for size, s in (
            (2, 2),
            (3, 2),
            ((5, 3), (2, 3)),
            ((1, 4), (1, 2)),
            (2, 3),
            ((1, 4), (3, 2)),
        )
        for p in ("valid", "same")
    ),
    *(
        windowed("Conv2DTranspose", (3, 4, 2), filters=3, kernel_size=3, dilation_rate=2, padding=p)
        for p in ("valid", "same")
    ),
    *(
        windowed(
            *("Conv2DTranspose", (4, 3, 2)),
            filters=3,
            kernel_size=(4, 5),
            strides=(2, 3),
            padding=p,
            output_padding=more,
        )
        for p in ("valid", "same")
        for more in ((1, 0), (0, 2))
    ),
    windowed("Conv2DTranspose", (3, 4, 2), filters=3, kernel_size=2, strides=4, output_padding=1),
    *(
        windowed("Conv2DTranspose", (3, 4, 2), filters=4, kernel_size=5, strides=2, activation=name)
        for name in ("relu", "tanh", "softmax")
    ),
    windowed("Conv2DTranspose", (3, 2, 2), filters=3, kernel_size=3, kernel_regularizer="l1_l2"),
    windowed("Conv2DTranspose", (2, 3, 2), 300, filters=2, kernel_size=2, use_bias=False),
    LayerCase("dense_of_sequences", "Dense", {"units": 5, "activation": "tanh"}, (4, 3)),
    # Around the registers of 4, 8 and 16 numbers; one input, one unit, one step.
    *(recurrent(layer, units) for layer in RECURRENT for units in (1, 8, 15, 17)),
    *(recurrent(layer, 7, inputs, steps, 3) for layer in RECURRENT for inputs, steps in SEQUENCES),
    # Blocks of 64 samples, shards of 256 rows, a sample for some of the threads.
    *(recurrent(layer, 3, 2, 4, batch) for layer in RECURRENT for batch in (1, 65)),
    *(
        recurrent(layer, 7, **{option: True})
        for layer in RECURRENT
        for option in ("return_sequences", "go_backwards")
    ),
    *(
        recurrent(layer, 17, return_sequences=True, go_backwards=True, use_bias=False)
        for layer in RECURRENT
    ),
    *(recurrent(layer, 5, recurrent_regularizer="l1_l2") for layer in RECURRENT),
    *(recurrent("SimpleRNN", 7, activation=name) for name in ("linear", "relu", "sigmoid")),
    *(recurrent("SimpleRNN", 7, activation=name) for name in ("hard_sigmoid", "gelu")),
    *(
        recurrent(layer, 7, activation=f, recurrent_activation=g, return_sequences=True)
        for layer in ("LSTM", "GRU")
        for f, g in (("tanh", "hard_sigmoid"), ("relu", "tanh"), ("softsign", "linear"))
    ),
    *(recurrent("GRU", units, reset_after=False) for units in (1, 8, 15, 17)),
    *(
        recurrent("GRU", 7, 2, steps, batch, reset_after=False)
        for steps, batch in ((1, 1), (4, 65))
    ),
    recurrent("GRU", 7, reset_after=False, activation="elu", recurrent_activation="hard_sigmoid"),
    *(
        recurrent("GRU", 5, reset_after=False, use_bias=False, **{option: True})
        for option in ("return_sequences", "go_backwards")
    ),
    recurrent("GRU", 5, reset_after=False, recurrent_regularizer="l1_l2"),
    recurrent("SimpleRNN", 3, inputs=40),  # x·W of lanes
    recurrent("LSTM", 5, activity_regularizer="l2", return_sequences=True),
    LayerCase("rescaling", "Rescaling", {"scale": 1 / 255, "offset": -0.5}, (9,)),
]


@dataclass(frozen=True)
class PenaltyCase:
    """Regularizers and constraints of a Dense; a pair is a class and its arguments."""

    id: str
    arguments: dict[str, str | tuple[str, dict[str, Any]]]

    def built(self, library: Any) -> dict[str, Any]:
        """The arguments, made of mundur's classes or of the textbook's."""
        return {
            name: value
            if isinstance(value, str)
            else getattr(
                library.constraints if name.endswith("constraint") else library.regularizers,
                value[0],
            )(**value[1])
            for name, value in self.arguments.items()
        }


PENALTIES = [
    PenaltyCase("l1", {"kernel_regularizer": ("L1", {"l1": 0.02})}),
    PenaltyCase("l2", {"kernel_regularizer": ("L2", {"l2": 0.05}), "bias_regularizer": "l2"}),
    PenaltyCase("l1_l2", {"kernel_regularizer": "l1_l2", "bias_regularizer": "l1"}),
    PenaltyCase("activity", {"activity_regularizer": ("L1L2", {"l1": 0.01, "l2": 0.1})}),
    PenaltyCase("max_norm", {"kernel_constraint": ("MaxNorm", {"max_value": 0.9})}),
    PenaltyCase("max_norm_rows", {"kernel_constraint": ("MaxNorm", {"max_value": 0.6, "axis": 1})}),
    PenaltyCase("unit_norm_of_all", {"kernel_constraint": ("UnitNorm", {"axis": (0, 1)})}),
    PenaltyCase("max_norm_bias", {"bias_constraint": ("MaxNorm", {"max_value": 0.1})}),
    PenaltyCase("non_neg", {"kernel_constraint": "non_neg", "bias_constraint": "non_neg"}),
    PenaltyCase("unit_norm", {"kernel_constraint": "unit_norm"}),
    PenaltyCase(
        "min_max_norm",
        {"kernel_constraint": ("MinMaxNorm", {"min_value": 0.9, "max_value": 1.1, "rate": 0.5})},
    ),
    PenaltyCase(
        "all",
        {
            "kernel_regularizer": "l1_l2",
            "bias_regularizer": "l2",
            "activity_regularizer": "l2",
            "kernel_constraint": ("MaxNorm", {"max_value": 1.0}),
            "bias_constraint": "non_neg",
        },
    ),
]


@dataclass(frozen=True)
class LossCase:
    id: str
    loss: str
    arguments: dict[str, Any]
    # "real", "counts", "bits", "signs", "rows" (of class probabilities), "one-hot" or "labels"
    targets: str
    outputs: int
    head: str | None = None  # activation that makes predictions suit the loss


LOSSES = [
    LossCase("mse", "MeanSquaredError", {}, "real", 3),
    LossCase("mse_one", "MeanSquaredError", {}, "real", 1),
    LossCase("bce", "BinaryCrossentropy", {}, "bits", 1, "sigmoid"),
    LossCase("bce_many", "BinaryCrossentropy", {}, "bits", 4, "sigmoid"),
    LossCase("bce_logits", "BinaryCrossentropy", {"from_logits": True}, "bits", 1),
    LossCase("bce_logits_many", "BinaryCrossentropy", {"from_logits": True}, "bits", 18),
    LossCase("cce", "CategoricalCrossentropy", {}, "rows", 4, "softmax"),
    LossCase("cce_logits", "CategoricalCrossentropy", {"from_logits": True}, "rows", 5),
    LossCase("scce", "SparseCategoricalCrossentropy", {}, "labels", 10, "softmax"),
    LossCase("scce_logits", "SparseCategoricalCrossentropy", {"from_logits": True}, "labels", 17),
    LossCase("mae", "MeanAbsoluteError", {}, "real", 3),
    LossCase("mae_one", "MeanAbsoluteError", {}, "real", 1),
    LossCase("mape", "MeanAbsolutePercentageError", {}, "real", 3),
    LossCase("msle", "MeanSquaredLogarithmicError", {}, "counts", 3),
    LossCase("huber", "Huber", {}, "real", 3),
    LossCase("huber_narrow", "Huber", {"delta": 0.1}, "real", 18),
    LossCase("log_cosh", "LogCosh", {}, "real", 3),
    LossCase("poisson", "Poisson", {}, "counts", 3, "sigmoid"),
    LossCase("kl", "KLDivergence", {}, "rows", 4, "softmax"),
    LossCase("hinge", "Hinge", {}, "signs", 3),
    LossCase("hinge_bits", "Hinge", {}, "bits", 1),
    LossCase("squared_hinge", "SquaredHinge", {}, "signs", 17),
    LossCase("categorical_hinge", "CategoricalHinge", {}, "one-hot", 4),
    LossCase("categorical_hinge_many", "CategoricalHinge", {}, "one-hot", 18),
    LossCase("cosine", "CosineSimilarity", {}, "real", 3),
    LossCase("cosine_many", "CosineSimilarity", {}, "real", 33),
    LossCase("bce_smooth", "BinaryCrossentropy", {"label_smoothing": 0.1}, "bits", 4, "sigmoid"),
    LossCase(
        "bce_logits_smooth",
        "BinaryCrossentropy",
        {"from_logits": True, "label_smoothing": 0.1},
        "bits",
        4,
    ),
    LossCase(
        "cce_smooth", "CategoricalCrossentropy", {"label_smoothing": 0.2}, "rows", 5, "softmax"
    ),
    LossCase(
        "cce_logits_smooth",
        "CategoricalCrossentropy",
        {"from_logits": True, "label_smoothing": 0.2},
        "rows",
        18,
    ),
]


FOCAL = {"gamma": 1.5, "label_smoothing": 0.1}
LOSSES += [
    LossCase("bfl", "BinaryFocalCrossentropy", {}, "bits", 4, "sigmoid"),
    LossCase(
        "bfl_balanced",
        "BinaryFocalCrossentropy",
        {"apply_class_balancing": True, "alpha": 0.3, **FOCAL},
        "bits",
        3,
        "sigmoid",
    ),
    LossCase("bfl_logits", "BinaryFocalCrossentropy", {"from_logits": True, **FOCAL}, "bits", 18),
    LossCase("cfl", "CategoricalFocalCrossentropy", {}, "rows", 4, "softmax"),
    LossCase("cfl_smooth", "CategoricalFocalCrossentropy", FOCAL, "rows", 5, "softmax"),
    LossCase(
        "cfl_logits", "CategoricalFocalCrossentropy", {"from_logits": True, **FOCAL}, "rows", 18
    ),
]


def targets_of(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[Any]:
    """Targets of a kind for outputs of a shape (samples, ..., outputs)."""
    if kind == "real":
        return rng.normal(size=shape)
    if kind == "counts":
        return rng.poisson(1.5, size=shape).astype(float)
    if kind == "signs":
        return rng.choice([-1.0, 1.0], size=shape)
    if kind == "bits":
        return rng.integers(0, 2, size=shape).astype(float)
    if kind == "one-hot":
        return np.eye(shape[-1])[rng.integers(0, shape[-1], size=shape[:-1])]
    if kind == "labels":
        return rng.integers(0, shape[-1], size=shape[:-1])
    y = rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])
    y[0] = np.eye(shape[-1])[1]
    return y


@dataclass(frozen=True)
class OptimizerCase:
    id: str
    optimizer: str
    arguments: dict[str, Any]
    float32: float  # tolerance after 20 steps

    @property
    def tolerance(self) -> dict[str, float]:
        return {"float32": self.float32, "float64": 1e-10}


OPTIMIZERS = [
    OptimizerCase("sgd", "SGD", {"learning_rate": 0.1}, 1e-4),
    OptimizerCase("momentum", "SGD", {"learning_rate": 0.05, "momentum": 0.9}, 1e-4),
    OptimizerCase(
        "nesterov", "SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}, 1e-4
    ),
    OptimizerCase("adam", "Adam", {"learning_rate": 0.01}, 1e-3),
    OptimizerCase(
        "adam_options",
        "Adam",
        {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6},
        1e-3,
    ),
    OptimizerCase("amsgrad", "Adam", {"learning_rate": 0.01, "amsgrad": True}, 1e-3),
    OptimizerCase("adamw", "AdamW", {"learning_rate": 0.01, "weight_decay": 1e-4}, 1e-3),
    OptimizerCase("nadam", "Nadam", {"learning_rate": 0.01}, 1e-3),
    OptimizerCase("adamax", "Adamax", {"learning_rate": 0.01, "epsilon": 1e-6}, 1e-3),
    OptimizerCase("rmsprop", "RMSprop", {"learning_rate": 0.001}, 1e-3),
    OptimizerCase(
        "rmsprop_options",
        "RMSprop",
        {"learning_rate": 2e-4, "rho": 0.99, "momentum": 0.5, "epsilon": 1e-6, "centered": True},
        1e-3,
    ),
    OptimizerCase("adagrad", "Adagrad", {"learning_rate": 0.1}, 1e-3),
    OptimizerCase("adadelta", "Adadelta", {"learning_rate": 1.0, "epsilon": 1e-6}, 1e-3),
    OptimizerCase("lion", "Lion", {"learning_rate": 1e-3}, 1e-3),
    OptimizerCase("ftrl", "Ftrl", {"learning_rate": 0.5}, 1e-3),
    OptimizerCase(
        "ftrl_power", "Ftrl", {"learning_rate": 0.3, "learning_rate_power": -0.4, "beta": 0.1}, 1e-3
    ),
    OptimizerCase("adafactor", "Adafactor", {"learning_rate": 0.05}, 1e-3),
    OptimizerCase(
        "adafactor_options",
        "Adafactor",
        {"learning_rate": 0.05, "beta_2_decay": -0.6, "epsilon_2": 0.01, "clip_threshold": 0.5},
        1e-3,
    ),
]

# What any rule may have around it.
AROUND = [
    OptimizerCase("decay", "SGD", {"learning_rate": 0.1, "weight_decay": 0.01}, 1e-4),
    OptimizerCase("clipvalue", "SGD", {"learning_rate": 0.1, "clipvalue": 0.05}, 1e-4),
    OptimizerCase("clipnorm", "SGD", {"learning_rate": 0.1, "clipnorm": 0.1}, 1e-4),
    OptimizerCase("global_clipnorm", "Adam", {"learning_rate": 0.01, "global_clipnorm": 0.1}, 1e-3),
    OptimizerCase(
        "accumulation", "SGD", {"learning_rate": 0.1, "gradient_accumulation_steps": 3}, 1e-4
    ),
    OptimizerCase(
        "ftrl_penalised",
        "Ftrl",
        {
            "learning_rate": 0.2,
            "initial_accumulator_value": 0.3,
            "l1_regularization_strength": 0.02,
            "l2_regularization_strength": 0.1,
            "l2_shrinkage_regularization_strength": 0.05,
            "weight_decay": 0.01,
        },
        1e-3,
    ),
    OptimizerCase(
        "around_adafactor",
        "Adafactor",
        {
            "learning_rate": 0.05,
            "weight_decay": 0.1,
            "clipnorm": 0.1,
            "gradient_accumulation_steps": 2,
            "use_ema": True,
            "ema_momentum": 0.5,
        },
        1e-3,
    ),
    OptimizerCase(
        "everything",
        "RMSprop",
        {
            "learning_rate": 0.001,
            "weight_decay": 0.01,
            "clipnorm": 0.1,
            "gradient_accumulation_steps": 2,
            "use_ema": True,
            "ema_momentum": 0.5,
        },
        1e-3,
    ),
]

# Around vectors, and shards of 256 samples.
MERGES = [
    *(
        MergeCase(f"{layer.lower()}_{n}x{columns}_b{batch}", layer, {}, ((columns,),) * n, batch)
        for layer in ("Add", "Multiply", "Average", "Maximum", "Minimum")
        for n, columns, batch in ((1, 3, 2), (2, 1, 5), (2, 17, 5), (3, 33, 257))
    ),
    *(
        MergeCase(f"subtract_{columns}_b{batch}", "Subtract", {}, ((columns,),) * 2, batch)
        for columns, batch in ((1, 5), (17, 5), (33, 257))
    ),
    MergeCase("add_sequences", "Add", {}, ((4, 9), (4, 9))),
    MergeCase("concatenate", "Concatenate", {}, ((3,), (1,), (16,)), 17),
    MergeCase("concatenate_channels", "Concatenate", {"axis": -1}, ((4, 3), (4, 15))),
    MergeCase("concatenate_steps", "Concatenate", {"axis": 1}, ((4, 3), (1, 3), (2, 3))),
    MergeCase("concatenate_steps_from_behind", "Concatenate", {"axis": -2}, ((4, 3), (2, 3))),
    *(
        MergeCase(f"dot_{n}_b{b}", "Dot", {"axes": 1}, ((n,), (n,)), b)
        for n, b in ((1, 3), (40, 9))
    ),
    MergeCase("dot_of_steps", "Dot", {"axes": 2}, ((3, 17), (20, 17))),
    MergeCase("dot_of_channels", "Dot", {"axes": 1}, ((7, 17), (7, 5))),
    MergeCase("dot_of_both", "Dot", {"axes": (2, 1)}, ((3, 7), (7, 19))),
    MergeCase("dot_of_the_last", "Dot", {"axes": -1}, ((3, 7), (7,))),
    MergeCase("dot_of_a_vector", "Dot", {"axes": (1, 1)}, ((7,), (7, 18)), 9),
    MergeCase("dot_of_directions", "Dot", {"axes": 1, "normalize": True}, ((7,), (7,)), 257),
    MergeCase(
        "dot_of_directions_of_both", "Dot", {"axes": (2, 1), "normalize": True}, ((3, 7), (7, 19))
    ),
]
