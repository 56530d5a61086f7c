#!/bin/sh
# Installs those of the named packages that are missing: on Debian as root; elsewhere prints the one line to run.
set -eu
if ! command -v dpkg-query >/dev/null; then
    echo "This is not Debian: install what it names ($*) with your own package manager, as far as it is missing." >&2
    exit 0
fi
missing=
for package; do
    case $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "Packages are missing. Run: sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >&2
# shellcheck disable=SC2086  # a list of names
apt-get install -q -y --no-install-recommends $missing >&2
