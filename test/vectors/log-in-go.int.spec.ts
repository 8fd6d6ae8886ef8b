import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { formatVkey } from '#writ/signing';
import { decidedBody, LedgerBuilder, makeDeployment } from '../harness/ledger-builder.js';
import { buildLog } from '../harness/log-builder.js';

// The note and the tree are checked by golang.org/x/mod/sumdb, which the Go project wrote for its own checksum database.
const VERIFY = `package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	verifier, err := note.NewVerifier(os.Args[2])
	check(err)
	text, err := os.ReadFile(os.Args[1] + "/checkpoint")
	check(err)
	opened, err := note.Open(text, note.VerifierList(verifier))
	check(err)
	lines := strings.Split(opened.Text, "\\n")
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = hashes[index]
		}
		return found, nil
	})
	var count int64
	for _, file := range os.Args[3:] {
		bundle, err := os.ReadFile(os.Args[1] + "/" + file)
		check(err)
		for len(bundle) > 0 {
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			stored, err := tlog.StoredHashes(count, bundle[2:end], reader)
			check(err)
			hashes = append(hashes, stored...)
			bundle = bundle[end:]
			count++
		}
	}
	root, err := tlog.TreeHash(count, reader)
	check(err)
	if lines[1] != fmt.Sprint(count) || lines[2] != base64.StdEncoding.EncodeToString(root[:]) {
		check(fmt.Errorf("the entries are not those of the signed head"))
	}
	fmt.Println(count, "entries")
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
`;

const goRoot = spawnSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).stdout?.trim() ?? '';
/** What Debian's golang-golang-x-mod-dev installs, else the copies that every Go toolchain carries. */
const sources = ['/usr/share/gocode/src/golang.org/x', join(goRoot, 'src/cmd/vendor/golang.org/x')].find(
  (folder) => goRoot !== '' && existsSync(join(folder, 'mod/sumdb/tlog')),
);
/** The second one is what some versions of the first one need. */
const PACKAGES = ['mod', 'crypto/ed25519'];
const title = `a log directory, checked by Go${sources === undefined ? ' (skipped: no Go toolchain with golang.org/x/mod)' : ''}`;

(sources === undefined ? describe.skip : describe)(title, () => {
  const { logKey } = makeDeployment();
  const vkey = formatVkey({ name: logKey.name, key: logKey.verifyKey });
  const bundles = ['tile/entries/000', 'tile/entries/001', 'tile/entries/002.p/88'];
  let home: string;
  let program: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'writ-go-'));
    program = join(home, 'verify');
    for (const name of PACKAGES) {
      const from = join(sources ?? '', name);
      // Copies: Go takes no package from behind a symbolic link.
      if (existsSync(from)) await cp(from, join(home, 'path/src/golang.org/x', name), { recursive: true });
    }
    await writeFile(join(home, 'verify.go'), VERIFY);
    const env = { ...process.env, GO111MODULE: 'off', GOPATH: join(home, 'path'), GOCACHE: join(home, 'cache') };
    const { stderr } = spawnSync('go', ['build', '-o', program, 'verify.go'], { cwd: home, env, encoding: 'utf8' });
    if (stderr !== '') throw new Error(stderr);
    const builder = new LedgerBuilder();
    for (let n = 0; n < 20; n++) {
      const entries = Array.from({ length: 30 }, () => builder.entry('pdp-0', decidedBody('tool.call', 'c', 'deny')));
      builder.block('pdp-0', entries);
    }
    for (const [path, bytes] of await buildLog(builder.messages)) {
      await mkdir(dirname(join(home, path)), { recursive: true });
      await writeFile(join(home, path), bytes);
    }
  }, 120_000);
  afterAll(() => rm(home, { recursive: true, force: true }));

  const check = (...files: readonly string[]) => spawnSync(program, [home, vkey, ...files], { encoding: 'utf8' });

  it('has the signature of its log and the root that its head says', () => {
    const { stdout, stderr } = check(...bundles);
    expect([stdout, stderr]).toEqual(['600 entries\n', '']);
  });

  it('has not when a bundle is left out', () => {
    const { status, stderr } = check(...bundles.slice(1));
    expect(status).toBe(1);
    expect(stderr).toContain('not those of the signed head');
  });
});
