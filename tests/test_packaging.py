"""What is installed: one version, types, a light import, and what the build says about itself."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import distributions, metadata, version
from pathlib import Path

import mundur as md
import pytest

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = ROOT / "pyproject.toml"

needs_tree = pytest.mark.skipif(not PYPROJECT.exists(), reason="not in the source tree")
installed = pytest.mark.skipif(
    not list(distributions(name="mundur")),
    reason="mundur runs from a path here, it is not installed",
)


def declared_version() -> str:
    match = re.search(r'^version = "(.+)"$', PYPROJECT.read_text(encoding="utf-8"), re.M)
    assert match
    return match[1]


@needs_tree
@installed
def test_the_version_is_the_same_everywhere() -> None:
    assert (
        md.__version__ == md.build_info()["version"] == version("mundur") == declared_version()
    ), "the installed package is not this tree's: install it again"


@needs_tree
def test_the_version_stands_in_one_place() -> None:
    places = [
        ROOT / "CMakeLists.txt",
        *(ROOT / "python").rglob("*.py"),
        *(ROOT / "cpp").rglob("*.*"),
    ]
    quoted = f'"{declared_version()}"'
    repeated = [
        str(path.relative_to(ROOT))
        for path in places
        if path.suffix in (".py", ".h", ".cpp", ".txt", ".cmake")
        and quoted in path.read_text(encoding="utf-8")
    ]
    assert repeated == []


def test_the_changelog_knows_the_version() -> None:
    changelog = ROOT / "CHANGELOG.md"
    if not changelog.exists():
        pytest.skip("not in the source tree")
    assert f"## [{md.__version__}]" in changelog.read_text(encoding="utf-8")


def test_types_are_shipped() -> None:
    package = Path(md.__file__).parent
    assert (package / "py.typed").exists()
    assert (package / "_core.pyi").exists()


def test_the_playgrounds_page_is_shipped() -> None:
    folder = Path(md.__file__).parent / "playground"
    for name in ("page.html", "page.css", "page.js", "strings.json"):
        assert (folder / name).stat().st_size > 1000


@installed
def test_runtime_dependencies_are_three() -> None:
    required = metadata("mundur").get_all("Requires-Dist") or []
    always = {re.split(r"[^\w-]", line)[0] for line in required if "extra ==" not in line}
    assert always == {"numpy", "safetensors", "tqdm"}


def test_import_loads_nothing_but_numpy() -> None:
    code = "import sys, numpy; had = {*sys.modules}; import mundur; print(*{*sys.modules} - had)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    heavy = loaded - set(sys.stdlib_module_names) - {"numpy", "mundur"}
    # An editable installation brings its finder, and nothing else.
    assert {
        name for name in heavy if not name.startswith(("_mundur_editable", "_editable"))
    } == set()
    assert not loaded & {"json", "pickle", "multiprocessing", "asyncio", "unittest", "subprocess"}


def test_import_leaves_the_textbook_and_the_examples_alone() -> None:
    code = "import sys, mundur; print(*(m for m in sys.modules if m.startswith('mundur.')))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100
    )
    assert not [
        m for m in done.stdout.split() if m.startswith(("mundur.reference", "mundur.examples"))
    ]


def test_build_info_tells_what_was_built() -> None:
    info = md.build_info()
    assert info["isas_built"][0] == "generic"
    assert set(info["isas_available"]) <= set(info["isas_built"])
    assert info["isa"] in info["isas_available"]
    assert re.search(r"\d", info["compiler"])
    assert info["openmp"]


def test_every_x86_build_holds_all_instruction_sets() -> None:
    import platform

    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip(f"this is {platform.machine()}")
    assert md.build_info()["isas_built"] == ["generic", "avx2", "avx512", "avx512bf16", "amx"]
