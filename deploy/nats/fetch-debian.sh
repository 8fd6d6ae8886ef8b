#!/usr/bin/env bash
# fetch-debian.sh DIRECTORY [SUITE...]
#
# Brings nats-server from the Debian archive into DIRECTORY. Needs no root and installs nothing: apt works in a private
# directory, with Debian's own keyring as the only trust. The host's proxy and transport settings hold; its package lists,
# sources and preferences do not. Exit 3: no Debian tools or keyring. 4: no Debian mirror is configured. 5: nothing fits.
set -euo pipefail

directory=$1
shift
suites=("${@:-testing}")

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || exit 3
keyring=$(dpkg -L debian-archive-keyring 2>/dev/null | grep -m1 'archive-keyring\.gpg$') || exit 3
[ -r "$keyring" ] || exit 3

# The mirror that this machine uses already.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(COMPONENT) $(SUITE)' 2>/dev/null |
  awk '$2 == "Debian" && $3 == "main" && $4 !~ /security|backports/ { print $1; exit }')
if [ -z "$mirror" ]; then
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' 2>/dev/null |
    awk '$2 == "main" && $1 ~ /debian\/?$/ { print $1; exit }')
fi
[ -n "$mirror" ] || exit 4

architecture=$(dpkg --print-architecture)
eval "$(apt-config shell host_parts Dir::Etc::parts/d)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Writes an apt configuration that keeps to the directory $1 and reads suite $2. apt reads $APT_CONFIG first, then the host's
# parts (proxy, certificates), then Dir::Etc::main: what stands last wins, so what must hold stands in main.conf.
private_apt_root() {
  local root=$1 suite=$2
  mkdir -p "$root"/lists/partial "$root"/cache/archives/partial "$root"/etc/preferences.d "$root"/state
  : >"$root/state/status"
  echo "deb [signed-by=$keyring arch=$architecture] $mirror $suite main" >"$root/etc/sources.list"
  cat >"$root/apt.conf" <<EOF
Dir::Etc::parts "$host_parts";
Dir::Etc::main "$root/main.conf";
EOF
  cat >"$root/main.conf" <<EOF
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State "$root/state";
Dir::State::status "$root/state/status";
Dir::State::lists "$root/lists";
Dir::Cache "$root/cache";
Dir::Etc::sourcelist "$root/etc/sources.list";
Dir::Etc::sourceparts "$root/etc/none";
Dir::Etc::preferences "$root/etc/none";
Dir::Etc::preferencesparts "$root/etc/preferences.d";
APT::Default-Release "";
APT::Architecture "$architecture";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
APT::Get::AllowUnauthenticated "false";
EOF
}

for suite in "${suites[@]}"; do
  root=$work/$suite
  private_apt_root "$root" "$suite"
  export APT_CONFIG=$root/apt.conf
  apt-get -qq update >&2 || continue
  version=$(apt-cache madison nats-server | awk -F ' *[|] *' 'NR == 1 { print $2 }')
  [ -n "$version" ] || continue
  (cd "$root" && apt-get -qq download "nats-server=$version" >&2) || continue
  dpkg-deb -x "$root"/nats-server_*.deb "$root/package"
  # A package built against a newer C library does not start; whether the version is new enough is for the caller to say.
  "$root/package/usr/sbin/nats-server" --version >&2 || continue
  mkdir -p "$directory"
  install -m 755 "$root/package/usr/sbin/nats-server" "$directory/nats-server"
  exit 0
done
exit 5
