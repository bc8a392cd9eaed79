#!/usr/bin/env bash
# Makes sure that commands are here, and installs the Debian packages of those that are not.
#   tools/need.sh COMMAND=PACKAGE...     for example: tools/need.sh git=git dockerd=docker.io
set -euo pipefail

PATH="$PATH:/usr/sbin:/sbin"
missing=()
for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "seatrial: please install: ${missing[*]} (no apt-get on this machine to do it)" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "seatrial: please install as root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "seatrial: installing ${missing[*]} (Debian packages)" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    echo "seatrial: could not install ${missing[*]}; the lines above say why" >&2
    exit 1
fi
