#!/bin/sh
# Run in a network namespace of its own: brings its loopback up, opens the one way out, and asks as before. inside.sh NODE SOCKET URL…
set -eu
here=$(dirname "$0")
node=$1 socket=$2
shift 2
python3 -c 'import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x49))'
"$node" "$here/bridge.mjs" 3128 "$socket" >/dev/null &
bridge=$!
trap 'kill $bridge' EXIT
curl -s --retry 20 --retry-connrefused --retry-delay 1 -o /dev/null "http://127.0.0.1:3128/" || true
echo '-- around the proxy:'
curl -s --noproxy '*' --max-time 5 -o /dev/null "$1" && echo 'reached: this is no wall' || echo 'no way'
"$here/ask.sh" "$node" "$@"
