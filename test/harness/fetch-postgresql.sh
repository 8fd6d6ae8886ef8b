#!/usr/bin/env bash
# fetch-postgresql.sh [DIRECTORY]
#
# Brings PostgreSQL 15 from the archive of the Debian that this machine runs, with pgvector 0.8.0 compiled for it, into DIRECTORY, by default
# ~/.cache/writ/postgresql, of root /var/cache/writ/postgresql, for the tests and the measurement of the memory. Needs no root, installs
# nothing and starts no server: the packages are checked by apt with the keys that the machine has, and unpacked; the source of pgvector,
# which the same archive holds, is checked against the digest below. Of their libraries those come along that the machine has not.
# Exit 3: no Debian tools, or no C compiler and make. 4: apt knows no PostgreSQL 15; `apt-get update` may be missing. 5: it does not
# start. 6: the source of pgvector cannot be had, or is not what it was.
set -euo pipefail

PGVECTOR=pgvector_0.8.0.orig.tar.gz
PGVECTOR_SHA256=867a2c328d4928a5a9d6f052cd3bc78c7d60228a9b914ad32aa3db88e9de27b0

# PostgreSQL refuses to run as root, and whom it runs as instead cannot read root's home.
cache=${XDG_CACHE_HOME:-$HOME/.cache}
if [ "$(id -u)" = 0 ]; then cache=/var/cache; fi
directory=${1:-$cache/writ/postgresql}
wanted=(postgresql-15 postgresql-client-15 libpq5)
headers=(postgresql-server-dev-15)

for tool in apt-get apt-cache dpkg-deb cc make tar; do command -v "$tool" >/dev/null || exit 3; done
helper=/usr/lib/apt/apt-helper
[ -x "$helper" ] || exit 3
apt-cache show "${wanted[@]}" "${headers[@]}" >/dev/null 2>&1 || exit 4

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/headers"

depends() {
  apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "${wanted[@]}" |
    grep -E '^[a-z0-9]' | sort -u
}

# What is installed need not be fetched; nor what is no library, nor LLVM, which only compiles expressions.
packages=("${wanted[@]}")
for name in $(depends); do
  case $name in libllvm* | libpq5) continue ;; lib*) ;; *) continue ;; esac
  dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -q '^installed' || packages+=("$name")
done

(cd "$work" && apt-get -qq -o APT::Sandbox::User="" download "${packages[@]}" >&2)
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/unpacked"; done
(cd "$work/headers" && apt-get -qq -o APT::Sandbox::User="" download "${headers[@]}" >&2)
dpkg-deb -x "$work"/headers/*.deb "$work/unpacked"

fetched=
for archive in $(apt-get indextargets --format '$(REPO_URI)' | sort -u); do
  "$helper" -o APT::Sandbox::User="" download-file "${archive%/}/pool/main/p/pgvector/$PGVECTOR" "$work/pgvector.tar.gz" \
    "SHA256:$PGVECTOR_SHA256" >&2 || continue
  fetched=yes && break
done
[ -n "$fetched" ] || exit 6
echo "$PGVECTOR_SHA256  $work/pgvector.tar.gz" | sha256sum --check --quiet >&2 || exit 6

export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(printf '%s:' "$work"/unpacked/usr/lib/*-linux-* "$work"/unpacked/lib/*-linux-*)
server=$work/unpacked/usr/lib/postgresql/15
"$server/bin/postgres" --version >&2 || exit 5

# pg_config says where things are seen from where it lies, so pgvector goes into what was unpacked. Without OPTFLAGS it would be made for
# the processor of this machine alone.
mkdir "$work/pgvector"
tar -xzf "$work/pgvector.tar.gz" -C "$work/pgvector" --strip-components 1
make -s -C "$work/pgvector" PG_CONFIG="$server/bin/pg_config" OPTFLAGS= with_llvm=no all install >&2

chmod 755 "$work/unpacked"
mkdir -p "$(dirname "$directory")"
rm -rf "$directory"
mv "$work/unpacked" "$directory"
echo "$directory"
