"""README is short, its commands are single lines, its code runs and draws its picture, its links
lead somewhere, its numbers are those in bench/results."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
TEXTS = [README, ROOT / "bench" / "RESULTS.md", *sorted((ROOT / ".github").glob("*.md"))]
PICTURE = ROOT / "python" / "docs" / "digits.png"

pytestmark = pytest.mark.skipif(
    not (ROOT / "bench").is_dir() or not README.exists(), reason="not in the source tree"
)


def blocks(language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.M | re.S
    )


def section(title: str) -> str:
    parts = re.split(r"^## (.+)$", README.read_text(encoding="utf-8"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[title]


@pytest.mark.parametrize("title", ["Run", "Test"])
def test_a_command_is_one_block_of_one_line(title: str) -> None:
    (block,) = re.findall(r"^```sh\n(.*?)^```$", section(title), re.M | re.S)
    assert block.count("\n") == 1 and block.strip()


def test_the_command_that_ci_runs_is_the_one_that_stands_there() -> None:
    script = ROOT / ".ci" / "show.py"
    if not script.exists():
        pytest.skip("no .ci/ here")
    shown = subprocess.run(
        [sys.executable, str(script), "command", "Test"],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert shown.stdout.rstrip("\n") in section("Test")
    assert "pytest" in shown.stdout


def run(code: str, folder: Path) -> None:
    if "sklearn" in code:
        pytest.importorskip("sklearn")
        pytest.importorskip("matplotlib")
    (folder / "matplotlibrc").write_text("backend: agg\n")  # instead of the user's own
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=folder, check=True, timeout=100)


def test_the_ten_lines_draw_their_picture(tmp_path: Path) -> None:
    code = blocks("python")[0]
    assert len([line for line in code.splitlines() if line]) <= 10
    run(code, tmp_path)
    from matplotlib.testing.compare import compare_images

    # The curves' bits are the same everywhere, a renderer's edges need not be.
    difference = compare_images(str(PICTURE), str(tmp_path / "digits.png"), tol=2)
    assert difference is None, f"keep what README's first lines draw as {PICTURE}"
    assert PICTURE.stat().st_size < 60_000


@pytest.mark.parametrize("number", range(1, len(blocks("python")) if README.exists() else 1))
def test_the_code_runs_as_it_stands(number: int, tmp_path: Path) -> None:
    run(blocks("python")[number], tmp_path)


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if ":" not in link and not (page.parent / link).exists()]
    assert links and not missing


def test_readme_is_one_and_a_half_screens() -> None:
    assert README.read_text(encoding="utf-8").count("\n") <= 110


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import report

    return report


def test_the_numbers_are_those_of_the_results(report: ModuleType) -> None:
    for page in report.PAGES:
        written = page.read_text(encoding="utf-8")
        assert report.replaced(page) == written, "run: python bench/report.py --write"
