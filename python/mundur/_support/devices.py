"""Where a model computes: names of devices, and the library that computes on GPUs."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .. import _core
from .checks import shown

__all__ = ["open_device"]

_LIBRARY = "MUNDUR_CUDA_LIBRARY"
_PACKAGE = "mundur_cuda"


def open_device(device: Any) -> tuple[str, _core.Gpu | None]:
    """Its name, checked, and the GPU of that name; None is the CPU."""
    if not isinstance(device, str) or not re.fullmatch(r"cpu|cuda(:\d{1,4})?", device):
        raise ValueError(
            f'device must be "cpu", "cuda" or a certain GPU, such as "cuda:1"; got {shown(device)}'
        )
    if device == "cpu":
        return device, None
    return device, _core.open_cuda(_library(), int(device.partition(":")[2] or 0))


def _library() -> str:
    named = os.environ.get(_LIBRARY)
    if named:
        return named
    package = find_spec(_PACKAGE)
    found = Path(package.origin or "").parent / "libmundur_cuda.so" if package else None
    if found is None or not found.is_file():
        version = _core.build_info()["version"]
        raise RuntimeError(
            f'device: "cuda" needs the package mundur-cuda, which is not installed; '
            f"pip install mundur-cuda=={version}"
        )
    return str(found)
