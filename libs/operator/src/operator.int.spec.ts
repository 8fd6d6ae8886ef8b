import { readCatalogue } from '#writ/catalogue';
import {
  addAgent,
  type Deployment,
  openDeployment,
  readPublicKeys,
  removeAgent,
  type RunningBus,
  startBus,
} from '#writ/deployment';
import { openAuthorised } from '#writ/ledger-client';
import { parseEntry } from '#writ/tlog';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testNatsServer } from '../../../test/harness/nats-server.js';
import { ledgerMessages } from './find-call.js';
import { ledgerStatus } from './ledger-status.js';
import { openOperator, type Operator } from './open-operator.js';
import { recordIdentities } from './record-identities.js';

const CONFIG = `version: 1
ledger: writ.test/default/0
listen: { port: 0 }
agents: { support: { teams: [support] } }
`;
const binary = await testNatsServer();

(binary === undefined ? describe.skip : describe)('the operator of a running deployment', () => {
  let scratch: string;
  let deployment: Deployment;
  let bus: RunningBus;
  let operator: Operator;

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'writ-operator-'));
    const from = { file: 'writ.yaml', baseDirectory: scratch, environment: {} };
    const { config } = readCatalogue(CONFIG, from);
    deployment = await openDeployment({ dataDir: join(scratch, 'data'), config });
    bus = await startBus(deployment, { binary: binary ?? '' });
    operator = await openOperator({ dataDir: deployment.paths.dataDir, url: bus.url });
  }, 30_000);
  afterAll(async () => {
    await operator?.close();
    await bus?.stop();
    await deployment?.close();
    await rm(scratch, { recursive: true, force: true });
  }, 30_000);

  async function onRecord(): Promise<readonly string[]> {
    const entries: string[] = [];
    for await (const message of ledgerMessages(operator.blocks)) {
      for (const authentic of openAuthorised(message, operator.authority).entries) {
        const entry = parseEntry(authentic);
        if ('who' in entry) entries.push(`${entry.type} ${entry.who.agent}`);
      }
    }
    return entries;
  }

  it('records the agents of the configuration once', async () => {
    await expect(recordIdentities(operator)).resolves.toHaveLength(1);
    await expect(recordIdentities(operator)).resolves.toEqual([]);
    await expect(onRecord()).resolves.toEqual(['agent.identity.issued support']);
  });

  it('records what changed in the registry, also when two do it at the same time', async () => {
    await addAgent(deployment.paths, 'fresh', []);
    await removeAgent(deployment.paths, 'support');
    await Promise.all([recordIdentities(operator), recordIdentities(operator)]);
    await expect(onRecord()).resolves.toEqual([
      'agent.identity.issued support',
      'agent.identity.revoked support',
      'agent.identity.issued fresh',
    ]);
  });

  it('sees how full the streams are and who wrote last', async () => {
    const status = await ledgerStatus(operator);
    expect(status.ledger).toBe('writ.test/default/0');
    expect(status.logVkeys).toEqual([(await readPublicKeys(deployment.paths)).log]);
    expect(status.streams.map(({ stream, isNearlyFull }) => [stream, isNearlyFull])).toEqual([
      ['LEDGER', false],
      ['PAYLOADS', false],
      ['PAYLOAD_KEYS', false],
    ]);
    expect(status.producers).toEqual([{ producer: 'operator', lastSeq: 2, lastAt: expect.any(String) }]);
  });

  it('says that nothing runs when no bus answers, and that there is no deployment where there is none', async () => {
    await expect(openOperator({ dataDir: deployment.paths.dataDir })).rejects.toMatchObject({
      code: 'CONFIG_NOT_RUNNING',
    });
    await expect(openOperator({ dataDir: join(scratch, 'none') })).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR' });
  });
});
