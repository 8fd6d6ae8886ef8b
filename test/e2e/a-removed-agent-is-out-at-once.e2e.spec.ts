import { connectAgent } from '#writ/agent-sdk';
import { readFile } from 'node:fs/promises';
import type { Gateway } from '../harness/gateway.js';
import { OutsideService } from './outside-service.js';
import { startOffice, storyOf } from './small-office.js';

describe('an agent', () => {
  let outside: OutsideService;
  let gateway: Gateway;

  beforeAll(async () => {
    outside = await OutsideService.start();
    gateway = await startOffice(outside);
  }, 120_000);

  afterAll(async () => {
    await gateway?.stop();
    await outside?.[Symbol.asyncDispose]();
  });

  it('that is added while everything runs is known at once, and on record', async () => {
    expect(await gateway.cli('agent', 'add', 'nina', '--team', 'staff')).toMatchObject({ status: 0 });
    const nina = await gateway.agent('nina');
    await expect(nina.tool('act', { marker: 'nina' })).resolves.toMatchObject({ output: { done: true } });
    await gateway.entry(({ entry }) => entry.type === 'agent.identity.issued' && entry.who.agent === 'nina');
  });

  it('that is removed loses its connection and its key at once, on record; others go on: IDENTITY-13', async () => {
    const alice = await gateway.agent('alice');
    const profile = JSON.parse(await readFile(gateway.paths.profile('nina'), 'utf8')) as Parameters<
      typeof connectAgent
    >[0];
    const nina = await gateway.agent('nina');
    const bare = await gateway.bareAgent('nina');
    await nina.tool('act', { marker: 'last' });
    expect(await gateway.cli('agent', 'remove', 'nina')).toMatchObject({ status: 0 });
    await bare.closed();
    await expect(nina.tool('act', { marker: 'gone' }, { call: 'gone', timeoutMs: 3_000 })).rejects.toThrow();
    await expect(connectAgent(profile)).rejects.toMatchObject({ code: 'KEY_REFUSED' });
    await gateway.entry(({ entry }) => entry.type === 'agent.identity.revoked' && entry.who.agent === 'nina');
    await expect(storyOf(gateway, 'gone')).resolves.toEqual([]);
    expect(outside.countOf('gone')).toBe(0);
    await expect(alice.tool('act', { marker: 'alice goes on' })).resolves.toMatchObject({ output: { done: true } });
  });

  it('that is added again has another key, and the old one stays refused: IDENTITY-13', async () => {
    const old = await gateway.cli('agent', 'list', '--json');
    expect(old.stdout).not.toContain('nina');
    expect(await gateway.cli('agent', 'add', 'nina', '--team', 'staff')).toMatchObject({ status: 0 });
    const nina = await gateway.agent('nina');
    await expect(nina.tool('act', { marker: 'again' })).resolves.toMatchObject({ output: { done: true } });
    const keys = (await gateway.ledger()).flatMap(({ entry }) =>
      entry.type === 'agent.identity.issued' && entry.who.agent === 'nina' ? [entry.key] : [],
    );
    expect(new Set(keys).size).toBe(2);
  });

  it.each(['*', '>', 'a.b', 'A', ''])('cannot be called %j: IDENTITY-04', async (name) => {
    const { status, stderr } = await gateway.cli('agent', 'add', name);
    expect({ status, stderr }).toEqual({ status: 64, stderr: expect.stringMatching(/INPUT_BAD_NAME|USAGE/) });
  });
});
