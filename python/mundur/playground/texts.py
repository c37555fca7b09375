"""What is said, in each of the page's languages: the texts of strings.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["FieldError", "said"]

STRINGS: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("strings.json").read_text(encoding="utf-8")
)


class FieldError(ValueError):
    """A value that cannot be taken: the name of the field on the page, and why by language."""

    def __init__(self, field: str, text: str, **values: Any) -> None:
        self.field, self.message = field, said(text, **values)
        super().__init__(f"{field}: {self.message['en']}")


def said(text: str, **values: Any) -> dict[str, str]:
    """The text "error_..." of strings.json in each language, with the values put in."""
    return {
        language: texts[f"error_{text}"].format(
            **{name: _shown(value, language) for name, value in values.items()}
        )
        for language, texts in STRINGS.items()
    }


def _shown(value: Any, language: str) -> str:
    if not isinstance(value, (int, float)):
        return str(value)
    text = f"{value:,}" if isinstance(value, int) else f"{value:g}"
    return text.translate({44: ".", 46: ","}) if language == "id" else text
