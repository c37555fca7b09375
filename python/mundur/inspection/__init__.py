"""Models looked into: each pass shown, each gradient checked; imported on use."""

from __future__ import annotations

from .explanation import Explanation, LayerPass
from .gradient_check import CheckedParameter, GradientCheck
from .verify import Verification

__all__ = ["CheckedParameter", "Explanation", "GradientCheck", "LayerPass", "Verification"]
