#!/usr/bin/env bash
# Decides which packages the image takes, fetches those that the store does not have, and writes the lock: name, version,
# architecture, SHA-256, file. Prints what differs from the lock before.
# shellcheck source=image/build/common.sh
. "$(dirname "$0")/common.sh"

# An apt of its own, which knows of no installed package.
readonly apt=$work/apt
rm -rf --one-file-system "$apt"
mkdir -p "$apt"/{state/lists/partial,cache,empty/partial,etc/preferences.d} /store/partial
: >"$apt/status"
cat >"$apt/apt.conf" <<CONF
Dir::Etc::SourceList "/run/muster.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::PreferencesParts "$apt/etc/preferences.d";
Dir::State "$apt/state";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
APT::Architecture "$architecture";
APT::Architectures "$architecture";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
CONF
export APT_CONFIG=$apt/apt.conf
# Same words as apt has for a repository that is not signed as it should be: this is where a forged package would stop.
quietly apt-get -q update -o APT::Update::Error-Mode=any
mapfile -t packages < <(listed "$source/image/packages.list"; printf '%s\n' "$kernel")
quietly apt-get -q -y --download-only -o Dir::Cache::archives=/store install "${packages[@]}"
apt-get -qq -y --print-uris -o Dir::Cache::archives="$apt/empty" install "${packages[@]}" >"$apt/uris" ||
    die 'apt cannot say where the packages are: the list of packages names one that Debian 13 does not have, or the mirror is away'

[ ! -e "$work/debs.lock" ] || mv "$work/debs.lock" "$work/debs.lock.before"
# 'http://…/base-files_13.8_amd64.deb' base-files_13.8_amd64.deb 74000 SHA256:…
while read -r _ file _ digest; do
    [[ $digest == SHA256:* ]] || digest=SHA256:$(sha256sum "/store/$file" | cut -d ' ' -f 1)
    IFS=_ read -r name version arch <<<"${file%.deb}"
    printf '%s %s %s %s %s\n' "$name" "${version//%3a/:}" "$arch" "${digest#SHA256:}" "$file"
done <"$apt/uris" | LC_ALL=C sort >"$work/debs.lock"
rm -rf --one-file-system "$apt"
[ -s "$work/debs.lock" ] || die 'no package at all: the words of apt are in build/image/log/lock.log'
say "$(wc -l <"$work/debs.lock") packages"
if [ -e "$work/debs.lock.before" ]; then
    diff --suppress-common-lines "$work/debs.lock.before" "$work/debs.lock" | sed -n 's/^\([<>]\) \([^ ]*\) \([^ ]*\) .*/  \1 \2 \3/p' || true
fi
