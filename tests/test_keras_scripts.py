"""Scripts as tutorials for Keras write them run here when only their imports change."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest

import keras_shared  # noqa: F401 - chooses Keras's backend

keras = pytest.importorskip("keras", reason="install the extra 'keras'")
pytestmark = [
    pytest.mark.keras,
    # Keras advises against what older tutorials do.
    pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`:UserWarning"),
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning"),
    # We advise against Keras's endings for files that Keras cannot read.
    pytest.mark.filterwarnings("ignore:.*which Keras cannot read:UserWarning"),
]

FOLDER = Path(__file__).parent / "keras_scripts"
SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py"))


def with_our_imports(source: str) -> str:
    """The script with `keras` replaced by `mundur` in the lines that import it, nowhere else."""
    source = re.sub(r"^import keras$", "import mundur as keras", source, flags=re.M)
    return re.sub(r"^from keras(?=[. ])", "from mundur", source, flags=re.M)


def run(source: str, name: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, f"{name}.py", "exec"), names)
    return names


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_runs_with_either_and_learns_as_well(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: Any
) -> None:
    if name == "housing":
        packed = request.getfixturevalue("shared_data") / "california-housing/cal_housing.csv.gz"
        path = tmp_path / "housing.csv"
        path.write_bytes(gzip.decompress(packed.read_bytes()))
        monkeypatch.setenv("CALIFORNIA_HOUSING", str(path))
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    changed = with_our_imports(source)
    assert not re.search(r"^(import|from) keras", changed, re.M)
    assert len(changed.splitlines()) == len(source.splitlines())
    theirs, ours = run(source, name), run(changed, name)
    assert theirs.get("keys") == ours.get("keys")
    assert theirs["scores"].keys() == ours["scores"].keys()
    for score, value in theirs["scores"].items():
        assert value > 0.6, f"{score}: Keras itself learned nothing"
        assert ours["scores"][score] == pytest.approx(value, abs=0.04)


def test_none_is_missing() -> None:
    assert [
        *("autoencoder", "digits", "housing", "iris", "sentences", "tickets", "transfer"),
        *("tumours", "twins", "waves", "wide_and_deep", "xor"),
    ] == SCRIPTS
