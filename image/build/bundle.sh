#!/usr/bin/env bash
# The update bundle, signed with the development key: the same boot and root images under one manifest.
# shellcheck source=image/build/common.sh
. "$(dirname "$0")/common.sh"

readonly content=$work/bundle
rm -rf --one-file-system "$content" "$made/muster.raucb"
mkdir -p "$content"
ln "$made/root.img" "$made/boot.img" "$content/"
sed -e "s/@compatible@/$compatible/" -e "s/@version@/$VERSION/" -e "s/@build@/$SOURCE_DATE_EPOCH/" \
    "$source/image/rauc/manifest.raucm.in" >"$content/manifest.raucm"
quietly rauc bundle --cert="$source/image/keys/dev/signer.cert.pem" --key="$source/image/keys/dev/signer.key.pem" \
    "$content" "$made/muster.raucb"
rm -rf --one-file-system "$content"
