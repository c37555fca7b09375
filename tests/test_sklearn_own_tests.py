"""scikit-learn's own tests of its perceptrons, with the two classes exchanged for ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import mundur as md
import pytest

from sklearn_differences import DIFFERENCES, KINDS

pytest.importorskip("sklearn", minversion="1.9", reason="compares with scikit-learn 1.9")
import sklearn.neural_network

SOURCE = Path(sklearn.neural_network.__file__).parent / "tests" / "test_mlp.py"
THEIRS = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
CONFTEST = """
import pytest


@pytest.fixture
def global_random_seed():
    return 42
"""


@pytest.mark.timeout(600)
@pytest.mark.skipif(not SOURCE.exists(), reason="this scikit-learn came without its tests")
@pytest.mark.slow
def test_the_tests_of_scikit_learn(tmp_path: Path) -> None:
    text = SOURCE.read_text(encoding="utf-8")
    assert THEIRS in text
    exchanged = text.replace(THEIRS, THEIRS.replace("sklearn.neural_network", "mundur.sklearn"))
    (tmp_path / "test_theirs.py").write_text(exchanged, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    report = tmp_path / "report.xml"
    paths = [str(Path(md.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        timeout=550,
    )
    assert report.exists(), done.stdout + done.stderr
    cases = list(ElementTree.parse(report).iter("testcase"))
    assert len(cases) > 40
    names = {str(case.get("name")).partition("[")[0] for case in cases}
    failed = {
        str(case.get("name")).partition("[")[0]
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    }
    known = {difference.test for difference in DIFFERENCES}
    assert failed == known & names, done.stdout[-8000:]


def test_differences_are_of_a_kind_and_named_once() -> None:
    names = [difference.test for difference in DIFFERENCES]
    assert len(set(names)) == len(names)
    assert all(difference.kind in KINDS and difference.reason for difference in DIFFERENCES)
