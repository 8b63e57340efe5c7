# Sourced by all steps: words, and where things are inside the builder.
# shellcheck shell=bash disable=SC2034  # the steps use them
set -euo pipefail

step=$(basename "$0" .sh)
readonly step
die() {
    printf 'image/%s: %s\n' "$step" "$*" >&2
    exit 1
}
say() { printf '%-8s %s\n' "$step" "$*"; }

# The lines of a list without comments.
listed() { sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$@"; }

# COMMAND...: its words only where it fails; all of them stay in the log of this step.
quietly() {
    local log=/image/log/$step.log
    mkdir -p /image/log
    if ! "$@" >>"$log" 2>&1; then
        tail -n 40 "$log" >&2
        die "\"$1\" failed; its last words stand above, all of them in build/image/log/$step.log"
    fi
}

# As mounted by scripts/image: /muster the sources, /image what lies between the steps, /store the packages.
readonly source=${MUSTER_SOURCE:-/muster}
readonly work=/image/$BOARD${AGAIN:+/again}
readonly root=$work/root
readonly made=$work/made
# shellcheck source=board/x86_64/board.conf
. "$source/board/$BOARD/board.conf"
# A release is for boxes that know nothing of the development key.
keyring=$source/image/keys/dev/ca.cert.pem
if [ -n "${RELEASE:-}" ]; then
    keyring=$RELEASE
    compatible=${compatible%-dev}
fi
mkdir -p "$work" "$made"
