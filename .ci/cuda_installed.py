"""Whether mundur-cuda, as installed here, is found and opened: with a GPU by its bits."""

from __future__ import annotations

import subprocess
import sys

import mundur as md

try:
    model = md.Model([md.layers.Dense(1)], device="cuda")
except RuntimeError as error:
    print(error)
    if "this mundur-cuda was built for CUDA" not in str(error):
        raise SystemExit("the package was not opened") from None
else:
    print(md.build_info())
    sys.exit(subprocess.call([sys.executable, "-m", "mundur.selftest", "--device", "cuda"]))
