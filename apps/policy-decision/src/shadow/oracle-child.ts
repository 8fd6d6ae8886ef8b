import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { Json } from '#writ/contracts';
import type { Entity, EntityUid } from '#writ/policy';

/** The first message to the oracle: what it decides by, until it ends. */
export interface OracleLoad {
  readonly policies: Readonly<Record<string, string>>;
  readonly entities: readonly Entity[];
}

export interface OracleQuestion {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  readonly resource: EntityUid;
  readonly context: Readonly<Record<string, Json>>;
  /** An entity that the request brings along: a memory record. */
  readonly brought?: Entity;
}

/** What Cedar says: the decision, the policies that made it, the policies that errored. */
export interface OracleAnswer {
  readonly decision: 'allow' | 'deny';
  readonly determining: readonly string[];
  readonly errors: readonly string[];
}

/**
 * The main function of the child process: a load, then questions, one JSON text a line, and an answer to each. It keeps nothing of
 * a question. Cedar may abort the process, and after anything that it throws it is not trusted any more, so the process ends. The
 * function is passed to the child as text, so it uses nothing but its argument and the globals of Node.
 */
export function oracleMain(cedar: typeof Cedar): void {
  const SET = 'policies';
  let entities: readonly Entity[] | undefined;
  let rest = '';
  const take = (line: string): void => {
    if (entities === undefined) {
      const load = JSON.parse(line) as OracleLoad;
      const parsed = cedar.preparsePolicySet(SET, { staticPolicies: { ...load.policies } });
      if (parsed.type === 'failure') throw new Error('the policies do not parse');
      entities = load.entities;
      return;
    }
    const { brought, ...question } = JSON.parse(line) as OracleQuestion;
    const answer = cedar.statefulIsAuthorized({
      ...question,
      preparsedPolicySetId: SET,
      validateRequest: false,
      entities: (brought === undefined ? entities : [...entities, brought]) as Cedar.Entities,
    } as Cedar.StatefulAuthorizationCall);
    if (answer.type === 'failure') throw new Error('Cedar takes the question for none');
    const { decision, diagnostics } = answer.response;
    const errors = diagnostics.errors.map(({ policyId }) => policyId);
    process.stdout.write(`${JSON.stringify({ decision, determining: diagnostics.reason, errors })}\n`);
  };
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (chunk) => {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    try {
      lines.forEach(take);
    } catch {
      // What was thrown may hold values of the question, and is not said.
      process.exit(1);
    }
  });
  process.stdin.on('end', () => process.exit(0));
}
