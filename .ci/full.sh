# What `.ci/run --full` does beside the checks. Sourced by .ci/run; each works in the root of the copy.

# What README's command leaves out: slow tests, and all but a few cells of instruction set and number of threads.
rest_of_tests() {
  needs_environment
  timeout 3000 "$python" -m pytest -q -n auto --rest
}

# This exact pin is the build for CPUs.
witnesses() {
  needs_environment
  "$python" -m pip install -q torch==2.13.0
  "$python" -m pytest -n auto -m witness
}

keras_tests() {
  needs_environment
  environment_beside keras
  KERAS_BACKEND=torch "$scratch/keras/bin/python" -m pytest -n auto -m keras
}

# One step of a network in all of them; none may lack.
frameworks() {
  needs_environment
  environment_beside frameworks
  export KERAS_BACKEND=torch
  "$scratch/frameworks/bin/python" -m mundur.examples.beside_frameworks | tee "$scratch/frameworks.log"
  [ "$(grep -c ' agrees$' "$scratch/frameworks.log")" -eq 6 ]
  "$scratch/frameworks/bin/python" -m pytest -q tests/test_beside_frameworks.py | tee "$scratch/frameworks.log"
  ! grep -q skipped "$scratch/frameworks.log"
}

# environment_beside EXTRA: beside the first environment, whose packages it sees, $scratch/EXTRA with the extra, so that
# what it brings stays out of that one. This exact pin of PyTorch is the build for CPUs.
environment_beside() {
  "$python" -m venv "$scratch/$1"
  local packages=("$scratch/$1"/lib/python*/site-packages)
  "$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' >"${packages[0]}/first.pth"
  python3 .ci/show.py extra "$1" >"$scratch/$1.txt"
  "$scratch/$1/bin/python" -m pip install -q torch==2.13.0 -r "$scratch/$1.txt"
}

# What explains a pass, where students see it.
pages_and_sheets() {
  needs_environment
  have chromium chromium
  have pdflatex texlive-latex-base
  kpsewhich tikz.sty >/dev/null || install_package texlive-pictures
  python3 .ci/show.py extra browser >"$scratch/browser.txt"
  "$python" -m pip install -q -r "$scratch/browser.txt"
  "$python" -m pytest -q -n auto --full -m "browser or latex" tests/test_explain_page.py \
    tests/test_explain_page_in_browser.py tests/test_playground_page.py tests/test_animation.py |
    tee "$scratch/browser.log"
  ! grep -q skipped "$scratch/browser.log"
}

# Engines that search for us.
searches() {
  needs_environment
  python3 .ci/show.py extra optuna >"$scratch/searches.txt"
  python3 .ci/show.py extra dask >>"$scratch/searches.txt"
  "$python" -m pip install -q -r "$scratch/searches.txt"
  "$python" -m pytest -q -n auto --full tests/test_searches_of_others.py
}

# Warnings are errors, and so are public names that the index lacks.
documentation() {
  needs_environment
  python3 .ci/show.py extra docs >"$scratch/docs.txt"
  "$python" -m pip install -q -r "$scratch/docs.txt"
  "$python" python/docs/build.py "$scratch/docs"
}

# In the build tree of the native tests; minutes.
every_float32() {
  needs_build
  ctest -j 2 --test-dir "$(build_tree)" --no-tests=error --output-on-failure -C exhaustive -R exhaustive
}

# In the same build tree: they must build and know what they measure.
native_benchmarks() {
  [ -e /usr/include/benchmark/benchmark.h ] || install_package libbenchmark-dev
  build_without_warnings ON
  [ "$("$(build_tree)"/bench/mundur_bench --benchmark_list_tests | wc -l)" -gt 100 ]
}

# sanitizer_tests PRESET
sanitizer_tests() {
  needs_tools
  export PATH=$tree/.venv/bin:$PATH CMAKE_GENERATOR=Ninja
  cmake --preset "$1" -DMUNDUR_UNITY=ON >"$scratch/configure.log" || { cat "$scratch/configure.log"; return 1; }
  cmake --build --preset "$1"
  # Old thread sanitizers do not survive the wide address randomisation of new kernels.
  local same_addresses=()
  if setarch "$(uname -m)" -R true 2>/dev/null; then same_addresses=(setarch "$(uname -m)" -R); fi
  "${same_addresses[@]}" ctest --preset "$1"
}

# The extension under ASan in an interpreter that is not: the runtime is loaded first, leaks (the interpreter's own) are
# not counted. In the build tree of the native tests, with their flags. Tests that fork, count allocations or exhaust
# memory on purpose stay out by their marker, as do browsers, which would load it as well, and the textbook's own, which
# is Python alone. Reports go to files, since a worker of pytest takes its stderr with it.
python_tests_under_asan() {
  needs_tools
  # The same CMake, whose flags stand in the same order: else all of it would be compiled again.
  export PATH=$tree/.venv/bin:$PATH CMAKE_GENERATOR=Ninja
  python3 -m venv "$scratch/asan"
  "$scratch/asan/bin/python" -m pip install -q ".[test]" -C build-dir=build/asan-ubsan -C install.strip=false \
    -C cmake.args=--preset=asan-ubsan -C cmake.build-type=RelWithDebInfo -C cmake.define.MUNDUR_CUDA=HOST
  local reports=$scratch/sanitizers
  LD_PRELOAD="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libstdc++.so)" \
  ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:log_path=$reports \
  UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:log_path=$reports \
  MUNDUR_CUDA_LIBRARY=$tree/build/asan-ubsan/cpp/libmundur_cuda_host.so \
    timeout 3000 "$scratch/asan/bin/python" -m pytest -q -n auto -o timeout=1500 \
      --full -m "not slow and not witness and not keras and not browser and not latex" --ignore=tests/reference ||
    { cat "$reports".* 2>/dev/null; return 1; }
}

cuda_build() {
  needs_tools
  command -v nvcc >/dev/null || { echo "there is no nvcc: its code is not looked at"; return 0; }
  "$python" .ci/ptx.py
}

# The package mundur-cuda, by PyPI's nvcc where there is no other; what it says on a machine without a GPU, or its bits.
cuda_wheel() {
  needs_environment
  local largest=$((6 * 1000 * 1000)) size wheel packages
  "$python" -m pip wheel -q --no-deps -w "$scratch/cuda-wheel" ./cpp/cuda/package
  wheel=("$scratch"/cuda-wheel/*.whl)
  size=$(stat -c %s "${wheel[0]}")
  printf '%s: %d bytes of at most %d\n' "$(basename "${wheel[0]}")" "$size" "$largest"
  case "${wheel[0]}" in *-py3-none-*) ;; *) echo "not for every Python" >&2; return 1 ;; esac
  [ "$size" -le "$largest" ]
  "$python" -m venv "$scratch/cuda"
  packages=("$scratch"/cuda/lib/python*/site-packages)
  "$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' >"${packages[0]}/first.pth"
  "$scratch/cuda/bin/python" -m pip install -q --no-deps "${wheel[0]}"
  cd "$scratch"
  "$scratch/cuda/bin/python" "$tree/.ci/cuda_installed.py"
}

aarch64_tests() {
  needs_tools
  have aarch64-linux-gnu-g++ g++-aarch64-linux-gnu
  have qemu-aarch64 qemu-user
  export PATH=$tree/.venv/bin:$PATH CMAKE_GENERATOR=Ninja
  cmake --preset aarch64 -DMUNDUR_UNITY=ON >"$scratch/configure.log" || { cat "$scratch/configure.log"; return 1; }
  cmake --build --preset aarch64
  ctest --preset aarch64
}

build_wheel() {
  .ci/wheel
}

# example NAME: as a user runs it, from a folder of their own.
example() {
  needs_environment
  mkdir -p "$scratch/example"
  cd "$scratch/example"
  timeout 600 "$python" -m "mundur.examples.$1"
}

# Each in both languages, executed in a folder of its own; an error in a cell fails the step.
notebooks() {
  needs_environment
  python3 .ci/show.py extra notebooks >"$scratch/notebooks.txt"
  "$python" -m pip install -q -r "$scratch/notebooks.txt"
  timeout 900 "$python" python/docs/notebooks/build.py "$scratch/notebooks" --execute
}
