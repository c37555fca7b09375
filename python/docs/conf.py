"""Sphinx's settings; `build.py` runs it."""

from __future__ import annotations

import re
from typing import Any

import mundur

project = "mundur"
author = copyright = "The mundur developers"
version = release = mundur.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
html_theme = "alabaster"
html_theme_options = {"description": "Backpropagation in native code", "page_width": "70rem"}
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html", "relations.html"]}
html_show_sourcelink = False
templates_path: list[str] = []

default_role = "py:obj"  # `Layer` links where it is a name, and is only slanted where not
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say more
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

# Names that modules load on first use are found like the others.
for name in mundur.__all__:
    setattr(mundur, name, getattr(mundur, name))
mundur.models.load_model = mundur.load_model

# One noun names a layer and its textbook version; a link from prose takes the nearest.
suppress_warnings = ["ref.python"]

_MARKUP = re.compile(r"(?<=\w)_(?!\w)|[|]|[*](?! )")
_CODE = re.compile(r"(``.*?``|`.*?`)")


def plain(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are read in terminals: |x|, *args and val_... in them are no markup."""
    written, literal = [], False
    for line in lines:
        if what == "module" and line.startswith("    ") and written[-1:] == [""]:
            written += ["::", ""]  # a drawing, or formulas in lines of their own
            literal = True
        elif line.lstrip().startswith(">>>"):
            literal = True
        elif not line.strip():
            literal = False
        parts = _CODE.split(line)
        if not literal:
            parts[::2] = [re.sub(_MARKUP, r"\\\g<0>", part) for part in parts[::2]]
        written.append("".join(parts))
    lines[:] = written


def setup(app: Any) -> None:
    """Before napoleon, which writes markup of its own."""
    app.connect("autodoc-process-docstring", plain, priority=400)
