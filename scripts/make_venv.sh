#!/usr/bin/env bash
# Makes .venv with a Python that is new enough, also where Debian's venv module came without pip.
#   scripts/make_venv.sh FOLDER
set -euo pipefail

folder="$1"
oldest="3.11"

say() { printf '%s\n' "$*" >&2; }

new_enough() {
  "$1" -c "import sys; sys.exit(sys.version_info < tuple(map(int, '$oldest'.split('.'))))" 2>/dev/null
}

# An interpreter of that version or later: the user's choice, python3, or one that is named by its version.
find_python() {
  local name
  for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if command -v "$name" >/dev/null && new_enough "$name"; then
      command -v "$name"
      return
    fi
  done
  say "DevMentor needs Python $oldest or later, found: $(python3 --version 2>&1 || echo none)." \
      "Install it, or name one: make run PYTHON=/path/to/python3"
  return 1
}

has_ensurepip() { "$python" -c 'import ensurepip' 2>/dev/null; }

# Debian and Ubuntu put ensurepip into a package of its own.
install_ensurepip() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  say "Installing python3-venv, which this Python lacks ..."
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends python3-venv >&2 && has_ensurepip
}

python="$(find_python)"
if [ -x "$folder/bin/python" ] && new_enough "$folder/bin/python" && "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
  exit 0
fi

if has_ensurepip; then
  "$python" -m venv --clear "$folder"
elif "$python" -m pip --version >/dev/null 2>&1; then
  "$python" -m venv --clear --without-pip "$folder"
  "$python" -m pip --python "$folder/bin/python" install --quiet pip
elif install_ensurepip; then
  "$python" -m venv --clear "$folder"
else
  version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
  say "This Python cannot make virtual environments: its ensurepip module is missing." \
      "On Debian or Ubuntu: sudo apt-get install python$version-venv"
  exit 1
fi
