import type { Answer } from '#writ/contracts';
import type { PolicySource } from '#writ/policy';
import { catalogueOf, type Declared, DecisionServiceInMemory, STAFF_MAY_ECHO } from './decision-service.js';

/** A permit for one tool, with a label by which its commands are known. */
const permitFor = (tool: string): PolicySource => ({
  ...STAFF_MAY_ECHO,
  id: `may-${tool}`,
  est: { ...STAFF_MAY_ECHO.est, action: { op: '==', entity: { type: 'Action', id: tool } } },
  annotations: { id: `may-${tool}`, obligations: JSON.stringify([{ type: 'label', labels: [`by-${tool}`] }]) },
});

/** The tool under its new name takes another argument. */
const RENAMED: Declared = {
  catalogue: catalogueOf(`
version: 1
ledger: test/default/0
agents: { support: { teams: [staff] }, intern: { teams: [interns] } }
tools:
  demo.say:
    kind: function
    function: echo
    input: { type: object, required: [said], properties: { said: { type: string, maxLength: 1000 } } }
`),
  policies: [permitFor('demo.say')],
};

const TURNS = 8;

/** Sends a request for each name in every turn of the event loop, and swaps the rules in the middle of it. */
async function renameAt(swapAt: number, { isRecordedAt }: { readonly isRecordedAt: number }) {
  const service = new DecisionServiceInMemory([permitFor('demo.echo')]);
  const before = service.bundle;
  let isDurable: () => void = () => undefined;
  // Whatever is decided before the swap is still on its way to the ledger after it.
  service.ledgerIsReady = new Promise((resolve) => (isDurable = resolve));
  let isRecorded: () => void = () => undefined;
  const recorded = new Promise<void>((resolve) => (isRecorded = resolve));
  const answers: Promise<readonly [call: string, Answer | undefined]>[] = [];
  const send = async (call: string, tool: string, args: object) =>
    [call, await service.send('support', 'tool.call', { v: 1, call, tool, args })] as const;
  for (let turn = 0; turn < TURNS; turn++) {
    if (turn === swapAt) void service.activate(RENAMED, recorded);
    if (turn === isRecordedAt) isRecorded();
    answers.push(
      send(`old-${turn}`, 'demo.echo', { text: 'hello' }),
      send(`new-${turn}`, 'demo.say', { said: 'hello' }),
    );
    await Promise.resolve();
  }
  isRecorded();
  isDurable();
  return { service, answers: new Map(await Promise.all(answers)), before, after: service.bundle };
}

const swaps = Array.from({ length: TURNS }, (_, swapAt) => swapAt);

describe('a rename of a tool while requests are in flight', () => {
  it.each(swaps)(
    'lets each be decided by the old rules or by the new ones from beginning to end (swapped in turn %i)',
    async (swapAt) => {
      for (const isRecordedAt of [swapAt, swapAt + 3, TURNS]) {
        const { service, answers, before, after } = await renameAt(swapAt, { isRecordedAt });
        expect(before).not.toBe(after);
        const allowed = service.recorded.flatMap((entry) =>
          entry.type === 'tool.call.decided'
            ? [{ res: entry.act.res, why: entry.why, obl: entry.obl, eff: entry.eff }]
            : [],
        );
        const byRules = (tool: string, bundle: string | undefined) => ({
          res: tool,
          why: expect.objectContaining({ bundle, pol: [expect.objectContaining({ id: `may-${tool}` })] }) as unknown,
          obl: [`label:by-${tool}`],
          eff: { d: 'allow', phase: 'decided' },
        });
        const old = swapAt;
        const renamed = TURNS - swapAt;
        expect(allowed).toHaveLength(old + renamed);
        expect(allowed.filter(({ res }) => res === 'demo.echo')).toEqual(
          Array.from({ length: old }, () => byRules('demo.echo', before)),
        );
        expect(allowed.filter(({ res }) => res === 'demo.say')).toEqual(
          Array.from({ length: renamed }, () => byRules('demo.say', after)),
        );
        // Every other one asked for a name that the rules of its decision do not know; none ended in a bug.
        const refused = [...answers].flatMap(([call, answer]) => (answer === undefined ? [] : [[call, answer]]));
        expect(refused).toHaveLength(TURNS);
        for (const [, answer] of refused) {
          expect(answer).toMatchObject({ status: 'refused', code: 'INPUT_UNKNOWN_TOOL' });
        }
      }
    },
  );

  it('issues commands that are each of one set of rules: resource, arguments and obligations', async () => {
    const { service } = await renameAt(5, { isRecordedAt: 8 });
    const commands = service.commands.map(({ body }) => [body.resource, body.args, body.obligations]);
    const old = ['demo.echo', { text: 'hello' }, [{ type: 'label', labels: ['by-demo.echo'] }]];
    const renamed = ['demo.say', { said: 'hello' }, [{ type: 'label', labels: ['by-demo.say'] }]];
    expect(commands).toEqual([
      ...Array.from({ length: 5 }, () => old),
      ...Array.from({ length: TURNS - 5 }, () => renamed),
    ]);
  });

  it('refuses a call under the old name afterwards, and answers an earlier one by its id as before', async () => {
    const { service } = await renameAt(5, { isRecordedAt: 5 });
    const ask = (call: string) =>
      service.send('support', 'tool.call', { v: 1, call, tool: 'demo.echo', args: { text: 'hello' } });
    await expect(ask('late')).resolves.toMatchObject({ status: 'refused', code: 'INPUT_UNKNOWN_TOOL' });
    await expect(ask('old-0')).resolves.toMatchObject({ call: 'old-0', status: 'pending' });
    expect(service.commands).toHaveLength(TURNS);
  });
});
