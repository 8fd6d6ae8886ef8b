#!/bin/sh
# Three programs that know nothing of Writ ask for the same addresses. ask.sh NODE URL…
set -eu
here=$(dirname "$0")
node=$1
shift
echo '-- curl:'
for url in "$@"; do
  curl -s -o /dev/null -w "${url##*/} %{http_code} %header{writ-code}\n" "$url"
done
echo '-- Python:'
python3 "$here/ask.py" "$@"
echo '-- Node with undici:'
"$node" "$here/ask.mjs" "$@"
