"""The case of a seed."""

from __future__ import annotations

import inspect
from typing import Any

import mundur as md
import numpy as np
from mundur import _core

from cases import AROUND, CURVES, LAYERS, LOSSES, NAMED, OPTIMIZERS
from fuzz_build import chain_of, made
from fuzz_case import PYTHON_LOSS, Case, Piece, Shape

RECURRENT = ("SimpleRNN", "LSTM", "GRU")
REGULARIZERS: list[Any] = ["l1", "l2", "l1_l2", ("L1L2", {"l1": 0.03, "l2": 0.01})]
CONSTRAINTS: list[Any] = [
    *("non_neg", "unit_norm", ("MaxNorm", {"max_value": 0.7})),
    ("MinMaxNorm", {"min_value": 0.4, "max_value": 0.9, "rate": 0.5}),
]
SCHEDULES: list[Piece] = [
    ("ExponentialDecay", {"initial_learning_rate": 0.02, "decay_steps": 3, "decay_rate": 0.7}),
    ("CosineDecay", {"initial_learning_rate": 0.02, "decay_steps": 7, "warmup_steps": 2}),
    ("PiecewiseConstantDecay", {"boundaries": [2, 5], "values": [0.02, 0.01, 0.003]}),
    ("OneCycle", {"max_learning_rate": 0.02, "total_steps": 9}),
]
WIDTHS = (1, 2, 3, 5, 8, 16, 17, 33)
METRICS = [(), (), ("accuracy",), ("accuracy", "mae"), ("mse",), ("RootMeanSquaredError",)]
IDS = ("int64", "uint8", "float32")
NUMBERS = ("float64", "float64", "float32", "float16", "int8", "strided")
# Each name in its row is an argument that goes with any rule.
AFTER: list[dict[str, Any]] = [
    *(
        {name: value for name, value in row.arguments.items() if name != "learning_rate"}
        for row in AROUND[:-1]
    ),
    {"use_ema": True, "ema_momentum": 0.5},
    {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
]


def one(rng: np.random.Generator, values: Any) -> Any:
    """One of the values as it is, which `rng.choice` would make an array of."""
    return values[int(rng.integers(len(values)))]


def extras(rng: np.random.Generator, cls: Any, within: bool) -> dict[str, Any]:
    """Some of the arguments that any layer of the class may have."""
    found: dict[str, Any] = {}
    for name in inspect.signature(cls).parameters:
        if rng.random() > 0.12:
            continue
        if name.endswith("_regularizer") and not (within and name.startswith("activity")):
            found[name] = one(rng, REGULARIZERS)
        elif name.endswith("_constraint"):
            found[name] = one(rng, CONSTRAINTS)
        elif name in ("dropout", "recurrent_dropout"):
            found[name] = 0.3
        elif name in ("use_bias", "trainable", "center", "scale", "unit_forget_bias"):
            found[name] = False
        elif name in ("return_sequences", "go_backwards"):
            found[name] = True
        elif name == "activation" and cls.__name__ in ("Dense", "Conv1D"):
            found[name] = one(rng, [*NAMED, "sin"])
    return found


def layer(rng: np.random.Generator, shape: Shape, within: bool = False) -> Piece:
    """A layer, perhaps for samples of that shape."""
    nested = [] if within else ["Residual", "TimeDistributed", "Bidirectional"]
    fitting = {row.layer for row in LAYERS if len(row.shape) == len(shape)}
    name = one(rng, [*sorted(fitting - {"Embedding"}), *nested, "Dense", "BatchNormalization"])
    if name == "Residual":
        inner = [layer(rng, shape, True) for _ in range(rng.integers(1, 3))]
        return name, {"layers": [*inner, ("Dense", {"units": shape[-1]})][: rng.integers(1, 4)]}
    if name == "TimeDistributed":
        return name, {"layer": layer(rng, shape[1:], True)}
    if name == "Bidirectional":
        kind = one(rng, RECURRENT)
        inner_arguments = {
            "units": int(rng.integers(1, 9)),
            "return_sequences": bool(one(rng, (0, 1))),
        }
        inner_arguments |= extras(rng, getattr(md.layers, kind), True)
        merge = one(rng, ("concat", "sum", "mul", "ave"))
        return name, {"layer": (kind, inner_arguments), "merge_mode": merge}
    if name == "Reshape":
        size = int(np.prod(shape))
        divisors = [d for d in range(1, size + 1) if size % d == 0]
        return name, {"target_shape": one(rng, [(-1,), (one(rng, divisors), -1)])}
    arguments = dict(one(rng, [row for row in LAYERS if row.layer == name]).arguments)
    arguments |= extras(rng, getattr(md.layers, name), within)
    if within:
        arguments.pop("activity_regularizer", None)
    for size_name in ("units", "filters"):
        if size_name in arguments and "groups" not in arguments:
            arguments[size_name] = one(rng, WIDTHS)
    if name in RECURRENT and rng.random() < 0.4:
        arguments["return_sequences"] = True
    return name, arguments


def over_time(rng: np.random.Generator) -> list[Piece]:
    """One or two layers that keep time steps; of one width, to lie where others of it have lain."""
    width, pieces = one(rng, WIDTHS), []
    for _ in range(rng.integers(1, 3)):
        name = one(rng, ("Dense", "Dense", "Conv1D", one(rng, RECURRENT)))
        arguments: dict[str, Any] = {"units": width}
        if name == "Conv1D":
            arguments = {"filters": width, "kernel_size": one(rng, (1, 3)), "padding": "same"}
        elif name in RECURRENT:
            arguments["return_sequences"] = True
        pieces.append((name, arguments | extras(rng, getattr(md.layers, name), False)))
    return pieces


def shape_behind(pieces: list[Piece], shape: Shape) -> Shape | None:
    """What samples become; None where the layers do not fit together."""
    try:
        return chain_of(tuple(pieces), shape, seed=0).output_shape
    except (ValueError, TypeError):
        return None


def draw(seed: int) -> Case:
    """The case of a seed."""
    rng = np.random.default_rng([seed, 0xF0])
    ids = int(rng.integers(2, 12)) if rng.random() < 0.3 else 0
    shape: Shape = tuple(int(n) for n in rng.integers(1, 8, size=one(rng, (1, 1, 2, 2, 2, 3))))
    pieces: list[Piece] = []
    if ids:
        shape = shape[:1]
        arguments: dict[str, Any] = {"input_dim": ids, "output_dim": int(rng.integers(1, 9))}
        if rng.random() < 0.6:
            arguments["mask_zero"] = True
        pieces.append(("Embedding", arguments | extras(rng, md.layers.Embedding, False)))
        if rng.random() < 0.2:
            pieces.append(("BatchNormalization", {}))
    elif rng.random() < 0.15:
        pieces.append(("Masking", {"mask_value": one(rng, (0.0, -1.0, 0.5))}))
    now: Shape | None = shape_behind(pieces, shape) if pieces else shape
    assert now is not None
    stays = rng.random() < 0.7  # a mask, to where it ends by itself

    def masked() -> bool:
        return stays and any(name in str(pieces) for name in ("mask_zero", "Masking"))

    def add(piece: Piece) -> None:
        nonlocal pieces, now
        behind = shape_behind([*pieces, piece], shape)
        drops = masked() and behind is not None and made(piece).mask_flow == "drops"
        if behind is not None and np.prod(behind) <= 400 and not drops:
            pieces, now = [*pieces, piece], behind

    for _ in range(rng.integers(0, 5)):
        add(layer(rng, now))
    if len(now) > 1 and rng.random() < 0.6:
        for piece in [*(over_time(rng) if len(now) == 2 else []), ("Flatten", {})]:
            add(piece)
    loss, targets, head = chosen_loss(rng)
    pieces.append(("Dense", head | one(rng, [{}, {}, extras(rng, md.layers.Dense, True) | head])))
    reaches = chain_of(tuple(pieces), shape, seed=0).masks_output
    return Case(
        tuple(pieces),
        loss,
        targets,
        shape,
        ids,
        seed=seed,
        **options(rng, bool(ids), targets, len(now), reaches),
    )


def chosen_loss(rng: np.random.Generator) -> tuple[Piece, str, dict[str, Any]]:
    """A loss, the targets that it wants, and the arguments of a last Dense that suits it."""
    if rng.random() < 0.08:
        return PYTHON_LOSS, "real", {"units": int(rng.integers(1, 4))}
    row = one(rng, LOSSES)
    arguments = dict(row.arguments)
    if rng.random() < 0.3:
        arguments["reduction"] = "sum"
    head: dict[str, Any] = {"units": row.outputs}
    if row.head:
        head["activation"] = row.head
    elif row.targets == "real" and rng.random() < 0.3:
        head["activation"] = one(rng, ["tanh", "relu", "softplus", "sin", *CURVES[:3]])
    return (row.loss, arguments), row.targets, head


def options(
    rng: np.random.Generator, ids: bool, targets: str, rank: int, masked: bool
) -> dict[str, Any]:
    """Everything but layers and loss; only accuracies know a mask."""
    rule = one(rng, OPTIMIZERS)
    arguments = dict(rule.arguments)
    for _ in range(rng.integers(0, 3)):
        added = one(rng, AFTER)
        clips = any("clip" in name for name in arguments) and any("clip" in n for n in added)
        if not clips:
            arguments |= added
    if rng.random() < 0.2:
        arguments["learning_rate"] = one(rng, SCHEDULES)
    samples = int(one(rng, [*range(1, 41), *range(1, 41), 256, 257, 300, 515]))
    sizes = [size for size in (1, 2, 3, 7, 8, 16, 32, 100, 256, 257) if samples <= 16 * size]
    isas = _core.available_isas()
    return {
        "optimizer": (rule.optimizer, arguments),
        "metrics": one(rng, METRICS[: 3 if targets == "labels" or masked else None]),
        "dtype": one(rng, ("float32", "float32", "float64", "bfloat16", "bfloat16_pairs")),
        "features": one(rng, IDS if ids else NUMBERS),
        "augment": not ids and bool(rng.random() < 0.1),
        "pads": bool(rng.random() < 0.7),
        "samples": samples,
        "batch_size": one(rng, [*sizes, "full"]),
        "epochs": int(rng.integers(1, 4)) if samples < 50 else 1,
        "shuffle": one(rng, (True, True, False, "block")),
        "weights": one(rng, ("none", "none", "plain", "zeros", "nan", "nan")),
        "class_weight": rank == 1 and targets in ("labels", "rows") and bool(rng.random() < 0.2),
        "frozen": one(rng, [(), (), (), ("*/bias",), ("*/kernel",), ("*norm*",), ("emb*",)]),
        "places": tuple((one(rng, isas), int(one(rng, (1, 2, 3, 5, 8)))) for _ in range(2)),
    }
