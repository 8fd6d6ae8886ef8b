#!/usr/bin/env bash
# fetch-collectors.sh [DIRECTORY]
#
# Brings rsyslog (with TLS and RELP) and syslog-ng from the archive of the Debian that this machine runs into DIRECTORY, by default
# ~/.cache/writ/collectors, for the tests of the SIEM feed, bubblewrap for those of containment, and Squid for `npm run bench -- egress`.
# Needs no root, installs nothing and starts nothing: the packages are checked by apt with the keys that the machine has, and unpacked. Of
# their libraries those come along that the machine has not.
# Exit 3: no Debian tools. 4: apt knows no such package; `apt-get update` may be missing. 5: one of them does not start.
set -euo pipefail

directory=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/writ/collectors}
wanted=(rsyslog rsyslog-relp rsyslog-openssl syslog-ng-core bubblewrap squid squid-common)

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || exit 3
apt-cache show "${wanted[@]}" >/dev/null 2>&1 || exit 4

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

depends() {
  apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "${wanted[@]}" |
    grep -E '^[a-z0-9]' | sort -u
}

# What is installed need not be fetched; nor what is no library, such as tools that only maintainer scripts use.
packages=("${wanted[@]}")
for name in $(depends); do
  case $name in lib*) ;; *) continue ;; esac
  dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -q '^installed' || packages+=("$name")
done

(cd "$work" && apt-get -qq -o APT::Sandbox::User="" download "${packages[@]}" >&2)
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/unpacked"; done

export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(printf '%s:' "$work"/unpacked/usr/lib/*-linux-* "$work"/unpacked/lib/*-linux-* "$work"/unpacked/usr/lib/syslog-ng)
"$work/unpacked/usr/sbin/rsyslogd" -v >&2 || exit 5
"$work/unpacked/usr/sbin/syslog-ng" --version --module-path="$(echo "$work"/unpacked/usr/lib/syslog-ng/[0-9]*)" >&2 || exit 5
"$work/unpacked/usr/bin/bwrap" --version >&2 || exit 5
"$work/unpacked/usr/sbin/squid" -v >&2 || exit 5

mkdir -p "$(dirname "$directory")"
rm -rf "$directory"
mv "$work/unpacked" "$directory"
echo "$directory"
