"""Verifies a log directory of Writ without Writ: python3 verify_log.py DIR LOG_VKEY. Needs the package `cryptography`.

It recomputes the RFC 6962 root over the entries and compares it with the head that the log key signed. The log's vkey has to come
from somebody whom you trust. Who signed for which entries is in the block index, which `writ ledger verify` checks as well.
"""

import base64
import hashlib
import pathlib
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def path_of(number):
    digits = str(number).zfill(-(-len(str(number)) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    return "/".join(["x" + group for group in groups[:-1]] + groups[-1:])


def open_checkpoint(note, vkey):
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    name, key_id, key = vkey.split("+", 2)
    key = base64.b64decode(key)
    assert key[0] == 1 and hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8] == key_id, "the vkey is damaged"
    blobs = [line.split(" ")[2] for line in signatures.splitlines() if line.split(" ")[1] == name]
    blob = next(raw for raw in map(base64.b64decode, blobs) if raw[:4].hex() == key_id)
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(blob[4:], text.encode())
    origin, size, root = text.split("\n")[:3]
    assert origin == name, "the checkpoint is of another log"
    return int(size), base64.b64decode(root)


def entries(directory, size):
    for index in range(-(-size // 256)):
        width = min(256, size - index * 256)
        name = path_of(index) + ("" if width == 256 else f".p/{width}")
        bundle = (directory / "tile/entries" / name).read_bytes()
        for _ in range(width):
            end = 2 + int.from_bytes(bundle[:2], "big")
            assert len(bundle) >= end, f"the bundle {name} is cut"
            yield bundle[2:end]
            bundle = bundle[end:]
        assert not bundle, f"the bundle {name} is too long"


directory = pathlib.Path(sys.argv[1])
size, expected = open_checkpoint((directory / "checkpoint").read_text(), sys.argv[2])
subtrees = []
for index, entry in enumerate(entries(directory, size)):
    node = hashlib.sha256(b"\0" + entry).digest()
    while index & 1:
        node, index = hashlib.sha256(b"\1" + subtrees.pop() + node).digest(), index >> 1
    subtrees.append(node)
root = subtrees.pop() if subtrees else hashlib.sha256().digest()
while subtrees:
    root = hashlib.sha256(b"\1" + subtrees.pop() + root).digest()
assert root == expected, "the entries are not those of the signed head"
print(f"{size} entries, root {base64.b64encode(root).decode()}")
