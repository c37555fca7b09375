"""The documentation's pages: their code runs as it stands, and nothing falls between them.

`python/docs/build.py`, which `.ci/run docs` runs, sees to names and links.
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import mundur as md
import pytest

DOCS = Path(__file__).resolve().parents[1] / "python" / "docs"

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="not in the source tree")


@pytest.fixture
def docs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a module of python/docs."""
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.rst")), ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page: Path, docs: Any, tmp_path: Path) -> None:
    for package in ("sklearn", "matplotlib", "tokenizers"):
        pytest.importorskip(package)
    docs("build").run_code(page, tmp_path)


def test_a_page_that_says_something_else_is_told(docs: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.rst"
    page.write_text(">>> 1 + 1\n3\n", encoding="utf-8")
    pytest.importorskip("matplotlib")
    with pytest.raises(SystemExit, match=r"page\.rst: its code does something else"):
        docs("build").run_code(page, tmp_path)


def test_every_layer_has_a_kind(docs: Any) -> None:
    listed = " ".join(docs("build").LAYERS.values()).split()
    assert sorted(listed) == sorted(md.layers.__all__)


@pytest.mark.parametrize("layer", [md.layers.GRU, md.layers.LSTM, md.layers.AlphaDropout])
def test_formulas_keep_their_lines(layer: type, docs: Any) -> None:
    lines = (inspect.getdoc(layer) or "").splitlines()
    formula = [line for line in lines if line.startswith("    ") and " = " in line][:2]
    docs("conf").plain(None, "class", layer.__name__, layer, None, lines)
    first = lines.index(formula[0])
    assert lines[first - 2 : first] == ["::", ""]
    assert lines[first + 1] == formula[1]


def test_a_property_is_a_sentence_also_with_a_colon(docs: Any) -> None:
    lines, conf = ["What products compute in: a name."], docs("conf")
    about = (None, "property", "compute_dtype", md.Model.compute_dtype, None)
    conf.plain(*about, lines)
    assert ":" not in lines[0]
    conf.colons(*about, lines)
    assert lines == ["What products compute in: a name."]


def test_what_is_internal_or_said_already_is_left_out(docs: Any) -> None:
    def left_out(thing: Any, name: str) -> Any:
        member = inspect.getattr_static(thing, name)
        return docs("conf").hidden(None, "class", name, member, False, None)

    assert left_out(md.Layer, "describe") and left_out(md.layers.LSTM, "describe")
    assert left_out(md.layers.Conv1D, "mask_flow")
    assert left_out(md.layers.Conv1D, "compute_output_shape")
    assert left_out(md.callbacks.EarlyStopping, "on_epoch_end")
    for thing, name in (
        (md.Layer, "compute_output_shape"),
        (md.layers.Embedding, "embeddings"),
        (md.Model, "fit"),
        (md.Model, "parameters"),
        (md.Callback, "on_epoch_end"),
        (md.Loss, "gradient"),
    ):
        assert left_out(thing, name) is None
