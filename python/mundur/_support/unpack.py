"""`typing.Unpack`, which Python 3.10 lacks; there annotations that name it mean nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

__all__ = ["Unpack"]

if TYPE_CHECKING:
    from typing_extensions import Unpack
elif sys.version_info >= (3, 11):
    from typing import Unpack
else:

    class Unpack:
        """Any keyword arguments."""

        def __class_getitem__(cls, _: Any) -> Any:
            return Any
