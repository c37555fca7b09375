"""Makes `from mundur.reference import ...` work where mundur is not installed.

The textbook needs no native code, so its tests run from a bare source tree too. Then the package
`mundur` is bridged by an empty one for the length of one import, and not left behind: other tests
still see that mundur is missing.
"""

import importlib
import sys
from pathlib import Path
from types import ModuleType

SOURCE = Path(__file__).resolve().parents[2] / "python" / "mundur"


def import_from_source() -> None:
    bridge = ModuleType("mundur")
    bridge.__path__ = [str(SOURCE)]
    sys.modules["mundur"] = bridge
    try:
        importlib.import_module("mundur.reference.__main__")
    finally:
        del sys.modules["mundur"]


try:
    importlib.import_module("mundur.reference.__main__")
    ORIGIN = "the installed mundur"
except ModuleNotFoundError as error:
    if error.name not in ("mundur", "mundur._core"):
        raise
    import_from_source()
    ORIGIN = f"the source tree ({error})"


def pytest_report_header() -> str:
    return f"mundur.reference: from {ORIGIN}"
