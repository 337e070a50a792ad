#!/bin/sh
# Installs airgap from this folder into a new folder, without a network. Needs Python and sha256sum; root only if the
# new folder does.
#   sh install.sh FOLDER [ID]      ID: what `airgap kit` printed on the connected machine, told by another way
#   PYTHON=/usr/bin/python3.12 sh install.sh FOLDER
set -eu
pythons="@PYTHONS@"   # versions that the wheels are for
machines="@MACHINES@" # kinds of machine (uname -m) that they are for

refuse() { echo "install.sh: $*" >&2; exit 1; }
[ -n "${1:-}" ] || refuse "which folder? For example: sh install.sh /opt/airgap"
case $1 in /*) target=$1 ;; *) target=$PWD/$1 ;; esac
expected=${2:-}
cd "$(dirname "$0")"
LC_ALL=C
export LC_ALL

# 1. The list of files is the one that was made: by its SHA-256, which is the kit's id.
id=sha256:$(sha256sum SHA256SUMS | cut -c1-64)
[ -z "$expected" ] || [ "$expected" = "$id" ] ||
    refuse "this is kit $id, and not $expected. Take another copy of the kit."

# 2. Each file on the list is as it was, and there is nothing besides.
checked=$(sha256sum -c SHA256SUMS 2>&1) || {
    printf '%s\n' "$checked" | grep -v ': OK$' >&2 || :
    refuse "the kit is damaged or was changed. Take another copy of it."
}
listed=$(cut -c67- SHA256SUMS | sort)
found=$(find . ! -type d ! -path ./SHA256SUMS | cut -c3- | sort)
[ "$listed" = "$found" ] || {
    printf 'on the list:\n%s\nfound:\n%s\n' "$listed" "$found" >&2
    refuse "there are other files in the kit than on its list. Take another copy of it."
}

# 3. This machine is one that the wheels are for.
case " $machines " in *" $(uname -m) "*) ;; *) refuse "the wheels are for $machines, not for $(uname -m)." ;; esac
python=
for candidate in ${PYTHON:-python3 $(printf 'python%s ' $pythons)}; do
    version=$("$candidate" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case " $pythons " in *" $version "*) python=$candidate && break ;; esac
done
[ -n "$python" ] || refuse "the wheels are for Python $pythons; none was found. Say where: PYTHON=… sh install.sh FOLDER"

# 4. pip takes nothing but what has the hashes in requirements.txt, and builds nothing.
if [ -e "$target" ] || [ -L "$target" ]; then refuse "$target is there already. Name a new folder."; fi
"$python" -I -c 'import venv, ensurepip' || refuse "Python's venv module is missing (on Debian: the package python3-venv)."
trap 'rm -rf "$target"' EXIT
"$python" -I -m venv "$target" || refuse "$target cannot be made."
PIP_CONFIG_FILE=/dev/null "$target/bin/python" -I -m pip --isolated --disable-pip-version-check install --quiet \
    --no-index --find-links wheels --only-binary :all: --require-hashes --no-cache-dir --requirement requirements.txt
"$target/bin/airgap" --version
trap - EXIT
echo "Installed: $target/bin/airgap"
[ -n "$expected" ] || echo "Was this the kit that was sent? Compare its id: $id"
