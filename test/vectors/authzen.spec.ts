import { AccessInMemory, gateway, type World } from '../../apps/policy-decision/src/authzen/access.fixture.js';
import { readVectors } from './read-vectors.js';

interface Interop {
  readonly files: Readonly<
    Record<string, { readonly evaluation?: readonly Case[]; readonly evaluations?: readonly Case[] }>
  >;
}
interface Case {
  readonly request: { readonly subject: { readonly id: string } };
  readonly expected: unknown;
}

const TODO = 'authzen-todo-backend/test/decisions-authorization-api-1_0-02.json';
const GATEWAY = 'authzen-api-gateways/test-harness/test/decisions.json';

/** The five people of the todo application. Their subject ids are opaque: `fd<n>…` in base64. */
const PEOPLE = {
  rick: ['admin', 'editor'],
  morty: ['editor'],
  summer: ['editor'],
  beth: ['viewer'],
  jerry: ['viewer'],
} as const;
const MAILS = { rick: 'rick@the-citadel.com', morty: 'morty@the-citadel.com', summer: 'summer@the-smiths.com' };
const subjectIds = Object.keys(PEOPLE).map(
  (name, n) =>
    [name, Buffer.from(`\n$fd${n}614d3-c39a-4781-b7bd-8b96f5a5100d\x12\x05local`).toString('base64')] as const,
);

const tool = (name: string, args: readonly string[]) => `
  ${name}:
    kind: function
    function: noop
    input:
      type: object
      properties: { ${args.map((arg) => `${arg}: { type: string, maxLength: 200 }`).join(', ')} }`;
const action = (name: string, resource: string, to: string, args: string) =>
  `    - { action: ${name}, resource: ${resource}, tool: ${to}, args: { ${args} } }`;

const ROUTES = ['GET', 'POST', 'PUT', 'DELETE'];
const WORLD: World = {
  yaml: `
tools:${['todo.readUser', 'todo.list', 'todo.create'].map((name) => tool(name, ['id'])).join('')}${['todo.update', 'todo.delete'].map((name) => tool(name, ['id', 'owner'])).join('')}${ROUTES.map((method) => tool(`route.${method}`, ['route'])).join('')}
authzen:
  clients: { gateway: {} }
  subjects:
${subjectIds.flatMap(([name, id]) => ['user', 'identity'].map((type) => `    - { type: ${type}, id: ${id}, agent: ${name} }`)).join('\n')}
  actions:
${action('can_read_user', 'user', 'todo.readUser', 'id: /resource/id')}
${action('can_read_todos', 'todo', 'todo.list', 'id: /resource/id')}
${action('can_create_todo', 'todo', 'todo.create', 'id: /resource/id')}
${action('can_update_todo', 'todo', 'todo.update', 'id: /resource/id, owner: /resource/properties/ownerID')}
${action('can_delete_todo', 'todo', 'todo.delete', 'id: /resource/id, owner: /resource/properties/ownerID')}
${ROUTES.map((method) => action(method, 'route', `route.${method}`, 'route: /resource/id')).join('\n')}
`,
  agents: PEOPLE,
  policies: {
    reading: `permit (principal, action in [Action::"todo.readUser", Action::"todo.list", Action::"route.GET"], resource);`,
    creating: `permit (principal in Team::"editor", action in [Action::"todo.create", Action::"route.POST", Action::"route.PUT", Action::"route.DELETE"], resource);`,
    admin: `permit (principal in Team::"admin", action in [Action::"todo.update", Action::"todo.delete"], resource);`,
    // The owner is a claim of the todo service: a permit by it trusts that service, as the scenario does.
    ...Object.fromEntries(
      Object.entries(MAILS).map(([name, mail]) => [
        `own-${name}`,
        `permit (principal == Agent::"${name}", action in [Action::"todo.update", Action::"todo.delete"], resource) when { context.input has owner && context.input.owner == "${mail}" };`,
      ]),
    ),
  },
};

const vectors = readVectors<Interop>('authzen-interop.json');
const all = (kind: 'evaluation' | 'evaluations') =>
  [TODO, GATEWAY].flatMap((name) => vectors?.files[name]?.[kind] ?? []);

(vectors === undefined ? describe.skip : describe)('the AuthZEN interoperability payloads', () => {
  it('get the expected decisions, one at a time', async () => {
    const { point } = new AccessInMemory(WORLD);
    const cases = all('evaluation');
    expect(cases).toHaveLength(65);
    const decisions = await Promise.all(
      cases.map(async ({ request }) => (await point.evaluation(request, gateway)).decision),
    );
    expect(decisions).toEqual(cases.map(({ expected }) => expected));
  });

  it('get the expected decisions, many at a time', async () => {
    const { point } = new AccessInMemory(WORLD);
    const cases = all('evaluations');
    expect(cases).toHaveLength(3);
    for (const { request, expected } of cases) {
      await expect(point.evaluations(request, gateway)).resolves.toMatchObject({ evaluations: expected });
    }
  });
});
