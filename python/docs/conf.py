"""Sphinx's settings; `build.py` runs it."""

from __future__ import annotations

import inspect
import re
import sys
from typing import Any

import mundur
from markup import escaped

project = "mundur"
author = copyright = "The mundur developers"
version = release = mundur.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
html_theme = "alabaster"
html_theme_options = {"description": "Backpropagation in native code", "page_width": "76rem"}
html_sidebars = {"**": ["about.html", "searchfield.html", "navigation.html", "relations.html"]}
html_static_path = ["mundur.css"]
html_css_files = ["mundur.css"]
html_show_sourcelink = False
html_math_renderer = "mathml"
templates_path: list[str] = []
toc_object_entries_show_parents = "hide"

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

# What the package's parts ask of one another, and nobody else.
INTERNAL = {
    *("describe", "native", "resolve", "in_core", "over_set", "start", "rates", "serve"),
    *("look_ahead", "slots", "training", "learning_flags", "inner_shapes", "mask_flow", "owner"),
    *("parameter_constraints", "parameter_initializers", "parameter_regularizers"),
    *("state_initializers", "parameter_shapes", "state_shapes", "vocabulary", "masks_output"),
    *("compiled_loss", "compiled_optimizer"),
}
BASES = {
    mundur.Callback,
    mundur.Initializer,
    mundur.Layer,
    mundur.Loss,
    mundur.Metric,
    mundur.Optimizer,
    mundur.constraints.Constraint,
    mundur.regularizers.Regularizer,
}


def hidden(app: Any, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """Leaves out what is internal, and what a documented base says already."""
    if name.startswith("set_") and name.endswith("_request"):
        return True  # scikit-learn writes these methods, and their docstrings
    method = inspect.unwrap(getattr(thing, "fget", thing))
    module = sys.modules.get(getattr(method, "__module__", None) or "")
    path = getattr(method, "__qualname__", "").split(".")
    if len(path) != 2 or module is None or module.__name__.startswith("mundur.reference"):
        return None  # no method, or the textbook's, which is shown whole
    owner = getattr(module, path[0], None)
    said = isinstance(owner, type) and any(
        name in vars(base) for base in owner.__mro__[1:] if base in BASES
    )
    return True if said or name in INTERNAL else None


_RULE = re.compile(r"-{3,}")
_COLON = "\ue000"  # of no text


def plain(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are read in terminals.

    What looks like markup is none; a drawing, or formulas in lines of their own, are shown as they
    stand.
    """
    written: list[str] = []
    prose, literal, example = True, False, False
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if _RULE.fullmatch(following):
            prose = line == "Notes"
        indented = line.startswith("    ")
        if prose and indented and not literal and written[-1:] == [""]:
            written += ["::", ""]
            literal = True
        elif line and not indented:
            literal = False
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        written.append(line if literal or example else escaped(line))
    if what in ("property", "attribute", "data"):
        written[:1] = [line.replace(":", _COLON) for line in written[:1]]
    lines[:] = written


def colons(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Come back, once napoleon cannot take what stands before one for an attribute's type."""
    lines[:] = [line.replace(_COLON, ":") for line in lines]


def formula(writer: Any, node: Any) -> None:
    """Writes a formula as MathML, which browsers show by themselves: pages need no network."""
    from docutils.nodes import SkipNode, math_block
    from docutils.utils.math.latex2mathml import tex2mathml

    block = isinstance(node, math_block)
    mathml = tex2mathml(node.astext(), as_block=block)
    writer.body.append(f'<div class="formula">{mathml}</div>' if block else mathml)
    raise SkipNode


def spoken(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Tells browsers and screen readers what a page of the course is written in."""
    if page.startswith("course/id/"):
        context["language"] = "id"


def setup(app: Any) -> None:
    """Before napoleon, which writes markup of its own, and after it."""
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
    app.connect("html-page-context", spoken)
    app.connect("autodoc-process-docstring", plain, priority=400)
    app.connect("autodoc-process-docstring", colons, priority=600)
    app.connect("autodoc-skip-member", hidden)
