"""A CSV file, and what keeps it from being samples."""

from __future__ import annotations

import csv
from typing import NamedTuple

from .data import cells, is_number
from .texts import FieldError

__all__ = ["Table"]


class Table(NamedTuple):
    """A CSV file."""

    name: str
    text: str

    def check(self) -> None:
        """Raises a FieldError where `mundur.playground.data.table` could not read it."""
        if "\0" in self.text or "\ufffd" in self.text:
            raise FieldError("csv", "no_text")
        try:
            rows = cells(self.text)
        except csv.Error as error:
            raise FieldError("csv", "no_csv", detail=error) from None
        if not rows:
            raise FieldError("csv", "empty")
        has_header = not any(map(is_number, rows[0][:2]))
        for number, row in enumerate(rows, 1):
            if len(row) != 3:
                raise FieldError("csv", "columns", row=number, count=len(row))
            wrong = [cell for cell in row[:2] if not is_number(cell)]
            if wrong and not (number == 1 and has_header):
                raise FieldError("csv", "no_numbers", row=number, got=repr(wrong[0][:30]))
            if not row[2]:
                raise FieldError("csv", "no_label", row=number)
        labels = [label for _, _, label in rows[1 if has_header else 0 :]]
        if not 10 <= len(labels) <= 2000:
            raise FieldError("csv", "rows", count=len(labels))
        numbers = all(map(is_number, labels))
        kinds = {float(label) if numbers else label for label in labels}
        if len(kinds) > 7 and not numbers:
            raise FieldError("csv", "kinds", count=len(kinds))
        if len(kinds) == 1:
            raise FieldError("csv", "one_kind", got=repr(labels[0][:30]))
