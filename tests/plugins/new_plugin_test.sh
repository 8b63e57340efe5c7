#!/usr/bin/env bash
# What scripts/new-plugin makes builds and passes its own tests, in a copy of this tree.
#   new_plugin_test.sh SOURCE-DIRECTORY BUILD-TYPE
set -euo pipefail
source=$1
type=$2
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

tar -C "$source" --exclude=./build --exclude=./out --exclude=./.git --exclude=node_modules -cf - . | tar -C "$copy" -xf -
cd "$copy"
scripts/new-plugin two-words
scripts/new-plugin --family zoo-2026
for bad in '' Upper 9lives under_score ../escape two-words family-zoo-2026; do
    if scripts/new-plugin "$bad" 2>/dev/null; then
        echo "scripts/new-plugin took \"$bad\"" >&2
        exit 1
    fi
done

cmake -S . -B build/made -G Ninja -DCMAKE_BUILD_TYPE="$type" >/dev/null
cmake --build build/made --target plugin_two-words plugin_two-words_test plugin_family-zoo-2026 \
    plugin_family-zoo-2026_test
ctest --test-dir build/made -R '^plugin_(two-words|family-zoo-2026)' --output-on-failure --no-tests=error
[ "$(ctest --test-dir build/made -N -R '^plugin_(two-words|family-zoo-2026)' | grep -c '^ *Test *#')" -eq 4 ]
