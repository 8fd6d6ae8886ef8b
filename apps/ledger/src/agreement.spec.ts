import { Authority, SigningKey } from '#writ/signing';
import { Integrator, type LedgerMessage, signCheckpoint } from '#writ/tlog';
import { buildHealthyLedger } from '../../../test/harness/ledger-builder.js';
import { type AgreementPorts, assertAgreement } from './agreement.js';
import type { SealerState } from './sealer.js';

const { deployment, messages } = buildHealthyLedger(2);
const digest = ({ subject, data }: LedgerMessage) => `${subject} ${Buffer.from(data).toString('base64')}`;

/** Root of the first leaves, where a message ends. */
function rootOf(size: number): string | undefined {
  const integrator = new Integrator(deployment.authority);
  for (const message of messages) {
    integrator.integrate(message);
    if (integrator.size === size) return integrator.root().toString('base64url');
  }
  return undefined;
}

/** The state after the first `count` messages, and a world in which everything agrees with it. */
function aWorld(count: number) {
  const integrator = new Integrator(deployment.authority);
  for (const message of messages.slice(0, count)) integrator.integrate(message);
  const head = { size: integrator.size, root: integrator.root().toString('base64url') };
  const state: SealerState = { v: 1, log: integrator.state(), last: digest(messages[count - 1] as LedgerMessage) };
  const { logKey, ledger } = deployment;
  const ports: AgreementPorts = {
    state,
    store: {
      rootAt: (size) => Promise.resolve(size === head.size ? head.root : rootOf(size)),
      checkpoint: () => Promise.resolve(signCheckpoint({ origin: ledger, ...head }, logKey)),
    },
    stream: () => Promise.resolve({ firstSeq: 1, lastSeq: messages.length }),
    message: (seq) => Promise.resolve(messages[seq - 1]),
    digest,
    witnessed: () => Promise.resolve([{ name: 'w', ...head }]),
    authority: deployment.authority,
  };
  const note = (size: number, root = head.root, key = logKey) =>
    Promise.resolve(signCheckpoint({ origin: ledger, size, root }, key));
  return { ports, head, note };
}

const refusedAs = (ports: AgreementPorts) =>
  assertAgreement(ports).then(
    () => 'agreed',
    (fault: { code: string; message: string }) => `${fault.code} ${fault.message}`,
  );

describe('what the sealer compares before it signs', () => {
  it('agrees when state, files, stream and witnesses tell the same story', async () => {
    await expect(refusedAs(aWorld(6).ports)).resolves.toBe('agreed');
  });

  it('agrees under a newer trust bundle, and refuses an older one: a key that was revoked would count again', async () => {
    const { ports } = aWorld(6);
    const used = (bundle: number, version: number): AgreementPorts => ({
      ...ports,
      state: { ...(ports.state as SealerState), bundle },
      authority: new Authority({ ...deployment.bundle, version }),
    });
    await expect(refusedAs(used(4, 4))).resolves.toBe('agreed');
    await expect(refusedAs(used(4, 5))).resolves.toBe('agreed');
    await expect(refusedAs(used(4, 3))).resolves.toMatch(/^LEDGER_INTEGRITY the trust bundle has version 3, .* 4/);
    await expect(refusedAs({ ...used(4, 4), authority: deployment.authority })).resolves.toMatch(/^LEDGER_INTEGRITY/);
  });

  it('agrees with nothing, when nothing was ever there', async () => {
    const { ports } = aWorld(6);
    const store = { rootAt: () => Promise.resolve(undefined), checkpoint: () => Promise.resolve(undefined) };
    const witnessed = () => Promise.resolve([]);
    const fresh = { ...ports, state: undefined, store, witnessed };
    await expect(refusedAs(fresh)).resolves.toBe('agreed');
    const empty = () => Promise.resolve({ firstSeq: 0, lastSeq: 0 });
    await expect(refusedAs({ ...fresh, stream: empty })).resolves.toBe('agreed');
  });

  it('agrees when more was written than was signed: the process died in between', async () => {
    const { ports, note } = aWorld(6);
    await expect(
      refusedAs({ ...ports, store: { ...ports.store, checkpoint: () => note(1, rootOf(1)) } }),
    ).resolves.toBe('agreed');
  });

  it.each<[string, (world: ReturnType<typeof aWorld>) => AgreementPorts, RegExp]>([
    ['the state is gone', ({ ports }) => ({ ...ports, state: undefined }), /own state is gone/],
    [
      'the state was rolled back and a checkpoint was not',
      ({ ports, head, note }) => ({ ...ports, store: { ...ports.store, checkpoint: () => note(head.size + 3) } }),
      /the sealer's state has/,
    ],
    [
      'the published checkpoint is of another tree',
      ({ ports, head, note }) => ({
        ...ports,
        store: { ...ports.store, checkpoint: () => note(head.size, 'A'.repeat(43)) },
      }),
      /another root than the sealer's state/,
    ],
    [
      'an earlier checkpoint of the log is of another history',
      ({ ports, note }) => ({
        ...ports,
        store: { ...ports.store, checkpoint: () => note(1, 'A'.repeat(43)) },
      }),
      /another history/,
    ],
    [
      'the published checkpoint is signed by another key',
      ({ ports, head, note }) => ({
        ...ports,
        store: {
          ...ports.store,
          checkpoint: () => note(head.size, head.root, new SigningKey(deployment.ledger, Buffer.alloc(32, 9))),
        },
      }),
      /not one of this log/,
    ],
    [
      'tiles are missing',
      ({ ports }) => ({ ...ports, store: { ...ports.store, rootAt: () => Promise.resolve(undefined) } }),
      /do not hold/,
    ],
    [
      'a tile was edited',
      ({ ports }) => ({ ...ports, store: { ...ports.store, rootAt: () => Promise.resolve('A'.repeat(43)) } }),
      /another root at/,
    ],
    [
      'the stream was cut below what was sealed',
      ({ ports }) => ({ ...ports, stream: () => Promise.resolve({ firstSeq: 1, lastSeq: 5 }) }),
      /cut or restored/,
    ],
    [
      'the stream lost what comes next',
      ({ ports }) => ({ ...ports, stream: () => Promise.resolve({ firstSeq: 8, lastSeq: 9 }) }),
      /needs message 7/,
    ],
    [
      'the stream holds another message where the last one was sealed',
      ({ ports }) => ({ ...ports, message: () => Promise.resolve(messages[0]) }),
      /another stream/,
    ],
    [
      'a witness has seen more than the state knows of',
      ({ ports, head }) => ({
        ...ports,
        witnessed: () => Promise.resolve([{ ...head, name: 'w', size: head.size + 1 }]),
      }),
      /rolled back/,
    ],
    [
      'a witness has seen another tree of that size',
      ({ ports, head }) => ({
        ...ports,
        witnessed: () => Promise.resolve([{ ...head, name: 'w', root: 'A'.repeat(43) }]),
      }),
      /another root/,
    ],
    [
      'a witness has seen another tree of an earlier size: a history that somebody else signed with the key of the log',
      ({ ports }) => ({
        ...ports,
        witnessed: () => Promise.resolve([{ name: 'w', size: 1, root: 'A'.repeat(43) }]),
      }),
      /another root at 1 entries/,
    ],
  ])('LEDGER-14: refuses to sign when %s', async (_case, damaged, sentence) => {
    const answer = await refusedAs(damaged(aWorld(6)));
    expect(answer).toMatch(/^LEDGER_INTEGRITY /);
    expect(answer).toMatch(sentence);
  });
});
