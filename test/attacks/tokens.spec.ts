import type { PolicySource } from '#writ/policy';
import { catalogueOf, DecisionServiceInMemory, STAFF_MAY_ECHO, TENANT_KEYS } from './decision-service.js';

const officeWith = (tool: string) =>
  catalogueOf(`
version: 1
ledger: test/default/0
agents: { support: { teams: [staff] }, intern: { teams: [interns] } }
tools:
  demo.echo:
    kind: function
    function: echo
    ${tool}
    input: { type: object, required: [text], properties: { text: { type: string } } }
`);
const OBLIGATIONS = [{ type: 'redact', target: 'input', detectors: ['email'], action: 'tokenise' }];
const TOKENISED: PolicySource = {
  ...STAFF_MAY_ECHO,
  text: 'permit (principal, action == Action::"demo.echo", resource);',
  est: { ...STAFF_MAY_ECHO.est, principal: { op: 'All' } },
  annotations: { id: 'everybody-may-echo', obligations: JSON.stringify(OBLIGATIONS) },
};

const echo = (call: string, text: string) => ({ v: 1, call, tool: 'demo.echo', args: { text } });

/** An office in which addresses become tokens before a tool sees them. */
const tokenising = (tool = '') => new DecisionServiceInMemory([TOKENISED], officeWith(tool));

const textsOf = (made: DecisionServiceInMemory) => made.commands.map(({ body }) => body.args['text'] as string);

describe('an agent whose arguments are tokenised', () => {
  it('has them go to the tool as tokens, under a key of its own, and equal ones alike', async () => {
    const made = tokenising();
    for (const [call, agent] of Object.entries({ c1: 'support', c2: 'support', c3: 'intern' })) {
      await made.send(agent, 'tool.call', echo(call, 'write to ada@example.com'));
    }
    const [first, second, third] = textsOf(made);
    expect(first).toMatch(/^write to \[sealed:[\w-]{22}\.[\w-]{43}:email\]$/);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    expect(made.recorded[0]).toMatchObject({ obl: ['redact:input:email:tokenise'], red: [{ kind: 'email', n: 1 }] });
  });

  it('has no way to open one: a token that it sends is text, and goes on as it is', async () => {
    const made = tokenising();
    await made.send('support', 'tool.call', echo('c1', 'ada@example.com'));
    const [token = ''] = textsOf(made);
    await made.send('support', 'tool.call', echo('c2', token));
    expect(textsOf(made)).toEqual([token, token]);
  });

  it('has them erased with the subject that the call is about', async () => {
    const made = tokenising('dataSubject: { type: customer, from: /text }');
    await made.send('support', 'tool.call', echo('c1', 'ada@example.com'));
    const holders = [...made.payloads.keys.keys()].map((name) => name.split('.')[2]);
    expect(holders).toEqual([TENANT_KEYS.pseudonym({ type: 'customer', id: 'ada@example.com' })]);
  });

  it('has nothing run on tokens that nobody could open: the decision stands, and no command leaves', async () => {
    const made = tokenising();
    made.payloads.isDown = true;
    await expect(made.send('support', 'tool.call', echo('c1', 'ada@example.com'))).resolves.toMatchObject({
      status: 'refused',
      code: 'LEDGER_UNAVAILABLE',
    });
    expect(made.recorded.map(({ type }) => type)).toEqual(['tool.call.decided', 'request.refused']);
    expect(made.commands).toEqual([]);
  });

  it('is denied when they would be larger than a command, which tokens of many short values are', async () => {
    const made = tokenising();
    const text = 'a@example.com '.repeat(4_000);
    await expect(made.send('support', 'tool.call', echo('c1', text))).resolves.toMatchObject({
      status: 'denied',
      code: 'obligation_unenforceable',
    });
    expect(made.commands).toEqual([]);
  });
});
