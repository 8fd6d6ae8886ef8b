import { catalogueOf, DecisionServiceInMemory, STAFF_MAY_ECHO, TENANT_KEYS } from './decision-service.js';

/** The tool says whom a call of it is about. */
const CATALOGUE = catalogueOf(`
version: 1
ledger: test/default/0
agents: { support: { teams: [staff] }, intern: { teams: [interns] } }
tools:
  demo.echo:
    kind: function
    function: echo
    dataSubject: { type: customer, from: /text }
    input: { type: object, required: [text], properties: { text: { type: string, maxLength: 1000 } } }
`);

async function service(): Promise<DecisionServiceInMemory> {
  const made = new DecisionServiceInMemory();
  await made.activate({ catalogue: CATALOGUE, policies: [STAFF_MAY_ECHO] }, Promise.resolve());
  return made;
}

const echo = (call: string, text: unknown, more: object = {}) => ({
  v: 1,
  call,
  tool: 'demo.echo',
  args: { text },
  ...more,
});
const pseudonymOf = (id: string) => TENANT_KEYS.pseudonym({ type: 'customer', id });

describe('an agent that says whom its call is about', () => {
  it('has its values kept with that subject, decision and command alike, and names nobody in the ledger', async () => {
    const made = await service();
    await made.send('support', 'tool.call', echo('c1', 'anna'));
    const [decided] = made.recorded;
    expect(made.subjects.get(decided?.id ?? '')).toBe(pseudonymOf('anna'));
    expect(made.commands[0]?.body.subject).toBe(pseudonymOf('anna'));
    expect(JSON.stringify(made.recorded)).not.toMatch(/anna|S-[A-Za-z0-9_-]{43}/);
  });

  it('puts values of its own alone with somebody else: those of others stay where they are', async () => {
    const made = await service();
    await made.send('support', 'tool.call', echo('c1', 'anna'));
    await made.send('intern', 'tool.call', echo('c2', 'anna'));
    await made.send('support', 'tool.call', echo('c3', 'bert'));
    expect([...made.subjects.values()]).toEqual([pseudonymOf('anna'), pseudonymOf('anna'), pseudonymOf('bert')]);
    // What it did stays on record with agent, tool and policies, whoever is erased.
    expect(made.recorded[1]).toMatchObject({
      type: 'tool.call.decided',
      who: { agent: 'intern' },
      act: { res: 'demo.echo' },
    });
  });

  it.each([
    ['S-AAAA', { subject: pseudonymOf('anna') }],
    ['customer', { dataSubject: { type: 'customer', from: '/x' } }],
  ])('cannot choose another place, or a pseudonym, with a member of its own (%s)', async (_case, more) => {
    const made = await service();
    await expect(made.send('support', 'tool.call', echo('c1', 'bert', more))).resolves.toMatchObject({
      status: 'refused',
    });
    expect(made.subjects.size).toBe(0);
  });

  it('is refused when it names nobody, so that it cannot hide values from an erasure', async () => {
    const made = await service();
    await expect(made.send('support', 'tool.call', echo('c1', ''))).resolves.toMatchObject({
      status: 'refused',
      code: 'INPUT_ARGUMENTS_INVALID',
    });
    expect(made.commands).toEqual([]);
  });

  it('has an explanation of its denial kept with the same subject', async () => {
    const made = await service();
    await made.send('intern', 'tool.call', echo('c1', 'anna'));
    await made.explain();
    const explained = made.recorded.find(({ type }) => type === 'decision.explained');
    expect(explained).toBeDefined();
    expect(made.subjects.get(explained?.id ?? '')).toBe(pseudonymOf('anna'));
  });

  it('is told nothing of an earlier request whose arguments were erased, and nothing runs again', async () => {
    const made = await service();
    await made.send('support', 'tool.call', echo('c1', 'anna'));
    const [decided] = made.recorded;
    const later = await service();
    later.calls.apply({ seq: 1, i: 0, entry: decided as never });
    await expect(later.send('support', 'tool.call', echo('c1', 'anna'))).resolves.toMatchObject({
      status: 'refused',
      code: 'INPUT_CALL_ID_REUSED',
      message: expect.stringContaining('no longer stored'),
    });
    expect(later.commands).toEqual([]);
  });
});
