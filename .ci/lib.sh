# Steps, their clock and their summary; the copy that they work in. Sourced by .ci/run and .ci/wheel.

# These would redirect builds and tests to something else than the tree at hand.
unset PYTHONPATH PYTHONHOME MUNDUR_ISA MUNDUR_NUM_THREADS SKBUILD_CMAKE_DEFINE CMAKE_ARGS
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONUNBUFFERED=1 MPLBACKEND=agg
export CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}

passed=()
failed=()

# step NAME COMMAND...: runs it in the copy of the tree, goes on after a failure.
step() {
  local name=$1 start=$SECONDS
  shift
  printf '\n==> %s\n' "$name"
  # A subshell that stops at the first failing command; `if` around it would switch that off.
  set +e
  (set -euo pipefail; "$@")
  local status=$?
  set -e
  if [ $status -eq 0 ]; then
    passed+=("$name ($((SECONDS - start)) s)")
  else
    failed+=("$name (status $status, $((SECONDS - start)) s)")
    printf '==> FAILED: %s\n' "$name"
  fi
}

summary() {
  printf '\n==> summary, %d s\n' "$SECONDS"
  [ ${#passed[@]} -eq 0 ] || printf '    passed  %s\n' "${passed[@]}"
  [ ${#failed[@]} -eq 0 ] || printf '    FAILED  %s\n' "${failed[@]}"
  [ ${#failed[@]} -eq 0 ]
}

# Copies the tree to a scratch folder that goes with this process, and moves there. Sets `tree`, `scratch`, `python`.
work_in_a_copy() {
  local root=$1
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/mundur-ci.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  trap 'exit 130' INT TERM HUP
  tree=$scratch/tree
  mkdir "$tree"
  copy_tree "$root" "$tree"
  # Real data sets stand beside the tree, where there are any.
  if [ -z "${MUNDUR_SHARED_DATA-}" ] && [ -d "$root/../shared/data" ]; then
    export MUNDUR_SHARED_DATA=$(cd "$root/../shared/data" && pwd)
  fi
  cd "$tree"
  python=$tree/.venv/bin/python  # made by README's line
}

copy_tree() {
  local from=$1 to=$2
  if git -c safe.directory='*' -C "$from" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git -c safe.directory='*' -C "$from" ls-files -z --cached --others --exclude-standard |
      (cd "$from" && while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done) |
      tar -C "$from" --null --files-from=- -cf - | tar -C "$to" -xf -
  else
    tar -C "$from" --exclude=./build --exclude=./.venv --exclude=./.git -cf - . | tar -C "$to" -xf -
  fi
}

# have COMMAND DEBIAN-PACKAGE: installs the package where the command is missing and we may.
have() {
  command -v "$1" >/dev/null || { install_package "$2" && command -v "$1" >/dev/null; }
}

install_package() {
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "install the Debian package $1" >&2
    return 1
  fi
  echo "installing $1"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y -q --no-install-recommends "$1" >"$scratch/apt.log" 2>&1 ||
    { apt-get update -q && apt-get install -y -q --no-install-recommends "$1"; } >"$scratch/apt.log" 2>&1 ||
    { tail -n 20 "$scratch/apt.log" >&2; return 1; }
}
