#!/bin/sh
# Builds the Debian packages from a copy of this checkout, into which nothing is written, and has lintian look at them.
#   deb.sh FOLDER    a new folder, for the packages
set -eu
folder=$1
checkout=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$folder/heald"
# What git ignores is no part of it: wheels, caches, an earlier build.
rsync --archive --exclude=/.git --filter=':- .gitignore' "$checkout/" "$folder/heald/"
(cd "$folder/heald" && dpkg-buildpackage --build=binary --unsigned-changes) >"$folder/log" 2>&1 || {
    tail -n 20 "$folder/log" >&2
    echo "dpkg-buildpackage failed: $folder/log has all that it said" >&2
    exit 1
}
rm -rf "$folder/heald"
lintian --allow-root --fail-on=error,warning "$folder"/*.changes >&2
ls "$folder"/*.deb
