# The checks of every run. Sourced by .ci/run; each works in the root of the copy.

readme_tests() {
  local line
  line=$(python3 .ci/show.py command Test)
  printf '%s\n' "$line"
  # MUNDUR_FUZZ_SECONDS is for the soak's own step. The build tree that this leaves is used again: there a warning is an
  # error.
  timeout 1100 env -u MUNDUR_FUZZ_SECONDS SKBUILD_CMAKE_DEFINE=MUNDUR_WERROR=ON bash -c "$line"
}

# The environment that README's line makes, for steps that run without it.
needs_environment() {
  "$python" -c 'import mundur' 2>/dev/null ||
    { python3 -m venv .venv && SKBUILD_CMAKE_DEFINE=MUNDUR_WERROR=ON "$python" -m pip install -q ".[test]"; }
}

# Models, files and arguments, each for a part of the time.
fuzz_for_long() {
  needs_environment
  local seconds=${MUNDUR_FUZZ_SECONDS:-3600}
  MUNDUR_FUZZ_SECONDS=$((seconds / 3)) "$python" -m pytest -q -s -o faulthandler_timeout=0 tests/fuzz -k for_long
}

# For lint, types and native builds.
needs_tools() {
  [ ! -e "$scratch/lint.txt" ] || return 0
  [ -x "$python" ] || python3 -m venv .venv
  python3 .ci/show.py extra lint >"$scratch/lint-wanted.txt"
  "$python" -m pip install -q -r "$scratch/lint-wanted.txt"
  mv "$scratch/lint-wanted.txt" "$scratch/lint.txt"
}

lint_python() {
  local status=0
  needs_tools
  "$python" -m ruff check --no-cache --output-format=concise . || status=1
  "$python" -m ruff format --no-cache --check . || status=1
  return $status
}

lint_cpp() {
  needs_tools
  find cpp tests/cpp bench -name '*.h' -o -name '*.cpp' -o -name '*.cu' | sort |
    xargs .venv/bin/clang-format --dry-run --Werror
}

check_types() {
  needs_environment
  needs_tools
  "$python" -m mypy
}

# From outside of the tree: the installed module is the one to check.
check_stubs() {
  needs_environment
  needs_tools
  cd "$scratch"
  # stubtest finds no fault with a private module that has no stub at all.
  "$python" -c 'import pathlib, mundur._core as m; pathlib.Path(m.__file__).with_name("_core.pyi").read_text()'
  # pybind11's classes have a metaclass that no stub can name, its abstract ones an __init__ that only raises.
  local expected=' metaclass differs$|(Augmentation|Gpu|LayerSpec|Optimizer|ToNearest)\.__init__ .* does not have \*args'
  local faults
  faults=$("$python" -m mypy.stubtest --concise mundur._core 2>&1 | grep -vE "$expected" || true)
  printf '%s' "${faults:+$faults$'\n'}"
  [ -z "$faults" ]
}

# build_without_warnings [ON]: to the build tree of the module that pip made come the native tests, and the benchmarks.
# Another version of a tool would compile all of it again; those that only pip had are the ones that we have, too.
build_without_warnings() {
  needs_environment
  needs_tools
  export PATH=$tree/.venv/bin:$PATH
  local cmake ninja
  cmake=$(cached CMAKE_COMMAND)
  ninja=$(cached CMAKE_MAKE_PROGRAM)
  [ -x "$cmake" ] || cmake=cmake
  [ -x "$ninja" ] || ninja=$tree/.venv/bin/ninja
  "$cmake" "$(build_tree)" -DCMAKE_MAKE_PROGRAM="$ninja" -DMUNDUR_TESTS=ON -DMUNDUR_BENCH="${1:-OFF}" \
    -Dpybind11_DIR="$("$python" -m pybind11 --cmakedir)" >"$scratch/configure.log" ||
    { cat "$scratch/configure.log"; return 1; }
  "$cmake" --build "$(build_tree)"
  touch "$scratch/built-without-warnings"
}

cached() {
  sed -n "s/^$1:[A-Z]*=//p" "$(build_tree)/CMakeCache.txt"
}

build_tree() {
  local caches=(build/cp*/CMakeCache.txt)
  dirname "${caches[0]}"
}

needs_build() {
  [ -e "$scratch/built-without-warnings" ] || build_without_warnings
  export PATH=$tree/.venv/bin:$PATH
}

native_tests() {
  needs_build
  ctest -j 2 --test-dir "$(build_tree)" --no-tests=error --output-on-failure
}

# The library that computes on GPUs, built for the CPU, whose threads come in several orders.
cuda_tests() {
  needs_environment
  needs_tools
  export PATH=$tree/.venv/bin:$PATH
  cmake -S . -B "$scratch/cuda" -DMUNDUR_CUDA=HOST -DMUNDUR_WERROR=ON >"$scratch/configure.log" ||
    { cat "$scratch/configure.log"; return 1; }
  cmake --build "$scratch/cuda" --target mundur_cuda
  MUNDUR_CUDA_LIBRARY=$scratch/cuda/cpp/libmundur_cuda_host.so \
    "$python" -m pytest -q -n auto "$@" tests/test_cuda_*.py tests/test_devices.py
}
