"""README's commands are single lines, its code runs, its numbers are those in bench/results."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"

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


@pytest.mark.parametrize("title", ["Run", "Test", "Bench"])
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


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_code_runs_as_it_stands(number: int, tmp_path: Path) -> None:
    code = blocks("python")[number]
    if "sklearn" in code:
        pytest.importorskip("sklearn")
        pytest.importorskip("matplotlib")
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True, timeout=100
    )


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import report

    return report


def test_the_numbers_are_those_of_the_results(report: ModuleType) -> None:
    readme = README.read_text(encoding="utf-8")
    assert report.replaced(readme) == readme, "run: python bench/report.py --write-readme"
