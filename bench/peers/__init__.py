"""One module per library, one class per way of using it; each runs in a process of its own."""

from __future__ import annotations

from importlib.metadata import version

from .jax import Jax, JaxOnGpu, JaxScan, JaxScanOnGpu
from .keras import Keras, KerasCall, KerasFunction, KerasManySteps
from .mundur import Mundur, MundurOnGpu
from .peer import Measured, Peer
from .sklearn import ScikitLearn
from .torch import (
    Torch,
    TorchAutotuned,
    TorchCompiled,
    TorchCompiledOnGpu,
    TorchForeach,
    TorchFused,
    TorchGraphs,
    TorchOnGpu,
)

__all__ = ["PEERS", "Measured", "Peer", "library_version"]

PEERS: dict[str, type[Peer]] = {
    "mundur": Mundur,
    "torch-eager": Torch,
    "torch-foreach": TorchForeach,
    "torch-fused": TorchFused,
    "torch-compile": TorchCompiled,
    "torch-autotune": TorchAutotuned,
    "jax-jit": Jax,
    "jax-scan": JaxScan,
    "keras-fit": Keras,
    "keras-many-steps": KerasManySteps,
    "keras-call": KerasCall,
    "keras-function": KerasFunction,
    "sklearn": ScikitLearn,
    "mundur-gpu": MundurOnGpu,
    "torch-gpu-eager": TorchOnGpu,
    "torch-gpu-compile": TorchCompiledOnGpu,
    "torch-gpu-graphs": TorchGraphs,
    "jax-gpu-jit": JaxOnGpu,
    "jax-gpu-scan": JaxScanOnGpu,
}


def library_version(peer: type[Peer]) -> str:
    """Raises PackageNotFoundError where the library is not installed."""
    return version(peer.library)
