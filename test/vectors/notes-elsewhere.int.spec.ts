import { spawnSync } from 'node:child_process';
import { GOLDEN_LOG_VKEY, GOLDEN_NOTE, GOLDEN_TIME, GOLDEN_WITNESS_VKEY } from './golden-notes.js';

// Written from the C2SP specifications alone; nothing of it is ours but these lines.
const VERIFY = `
import base64, hashlib, json, struct, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

asked = json.load(sys.stdin)
text, block = asked["note"].rsplit("\\n\\n", 1)
text += "\\n"
known = {}
for vkey in asked["vkeys"]:
    name, key_id, key = vkey.split("+", 2)
    key = base64.b64decode(key)
    assert hashlib.sha256(name.encode() + b"\\n" + key).hexdigest()[:8] == key_id
    known[name, bytes.fromhex(key_id)] = key
answer = []
for line in block.splitlines():
    dash, name, blob = line.split(" ")
    assert dash == "\\u2014"
    blob = base64.b64decode(blob)
    key = known.get((name, blob[:4]))
    if key is None:
        continue
    time, signature, signed = None, blob[4:], text.encode()
    if key[0] == 4:
        time, signature = struct.unpack(">Q", blob[4:12])[0], blob[12:]
        signed = f"cosignature/v1\\ntime {time}\\n{text}".encode()
    try:
        Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature, signed)
        answer.append([name, time])
    except InvalidSignature:
        answer.append([name, "bad"])
print(json.dumps(answer))
`;

const hasPython = spawnSync('python3', ['-c', 'import cryptography']).status === 0;
const title = `a cosigned checkpoint, checked by Python${hasPython ? '' : ' (skipped: no python3 with `cryptography`)'}`;

(hasPython ? describe : describe.skip)(title, () => {
  const check = (note: string): unknown => {
    const input = JSON.stringify({ note, vkeys: [GOLDEN_LOG_VKEY, GOLDEN_WITNESS_VKEY] });
    const { stdout, stderr } = spawnSync('python3', ['-c', VERIFY], { input, encoding: 'utf8' });
    expect(stderr).toBe('');
    return JSON.parse(stdout);
  };

  it('has the signature of its log and the cosignature of its witness', () => {
    expect(check(GOLDEN_NOTE)).toEqual([
      ['writ.example/acme/2026', null],
      ['witness.example/w1', GOLDEN_TIME],
    ]);
  });

  it('has neither for another size', () => {
    expect(check(GOLDEN_NOTE.replace('\n70000\n', '\n70001\n'))).toEqual([
      ['writ.example/acme/2026', 'bad'],
      ['witness.example/w1', 'bad'],
    ]);
  });
});
