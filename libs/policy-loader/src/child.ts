import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';

/** What the child is asked: all policies at once, by a key of the loader's own. */
export interface ChildRequest {
  readonly schema: string;
  readonly policies: readonly { readonly key: string; readonly text: string }[];
  readonly treeDepthMax: number;
}

/** A complaint about one policy; `start` and `end` are UTF-8 byte offsets in its text. */
export interface ChildComplaint {
  readonly key: string;
  readonly message: string;
  readonly help?: string;
  readonly start?: number;
  readonly end?: number;
}

/** A type of the schema: a record has attributes. */
export interface ContextType {
  readonly attributes?: Readonly<Record<string, ContextType>>;
}
/** What `context` is, by the name of the action. */
export type ActionContexts = Readonly<Record<string, ContextType>>;

export interface ChildReading {
  readonly cedarVersion: string;
  readonly parsed: readonly { readonly key: string; readonly est: unknown }[];
  readonly unparsed: readonly ChildComplaint[];
  readonly tooDeep: readonly string[];
  readonly invalid: readonly ChildComplaint[];
  readonly warnings: readonly ChildComplaint[];
  readonly schemaErrors: readonly string[];
  /** The policy that made Cedar throw. After a throw the instance is not trusted, so nothing follows. */
  readonly thrownAt?: string;
}

export interface ChildAnswer extends ChildReading {
  readonly contexts: ActionContexts;
}

/**
 * Parses and validates. Runs in the child process only: a policy can make cedar-wasm abort its process or answer wrongly from
 * then on. The functions here are passed to the child as text, so that they run the same from dist and from source;
 * therefore they use nothing but their arguments and the globals of Node.
 */
export function answerRequest(cedar: typeof Cedar, request: ChildRequest): ChildReading {
  const parsed: { key: string; est: unknown }[] = [];
  const unparsed: ChildComplaint[] = [];
  const tooDeep: string[] = [];
  const complaint = (key: string, error: Cedar.DetailedError): ChildComplaint => {
    const span = error.sourceLocations?.[0];
    return {
      key,
      message: error.message,
      ...(error.help && { help: error.help }),
      ...(span && { start: span.start, end: span.end }),
    };
  };
  const isTooDeep = (root: unknown): boolean => {
    const open: [unknown, number][] = [[root, 0]];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [node, depth] = next;
      if (typeof node !== 'object' || node === null) continue;
      if (depth > request.treeDepthMax) return true;
      for (const member of Object.values(node)) open.push([member, Array.isArray(node) ? depth : depth + 1]);
    }
    return false;
  };
  const answer = { cedarVersion: cedar.getCedarVersion(), parsed, unparsed, tooDeep };
  const nothing = { invalid: [], warnings: [], schemaErrors: [] };
  let at = '';
  try {
    for (const { key, text } of request.policies) {
      at = key;
      const result = cedar.policyToJson(text);
      if (result.type === 'failure') {
        const errors = result.errors.flatMap((error) => [error, ...(error.related ?? [])]);
        unparsed.push(...errors.map((error) => complaint(key, error)));
      } else if (isTooDeep(result.json.conditions)) tooDeep.push(key);
      else parsed.push({ key, est: result.json });
    }
    at = '';
    const isParsed = new Set(parsed.map(({ key }) => key));
    const texts = request.policies.filter(({ key }) => isParsed.has(key)).map(({ key, text }) => [key, text] as const);
    const result = cedar.validate({ schema: request.schema, policies: { staticPolicies: Object.fromEntries(texts) } });
    if (result.type === 'failure') {
      return { ...answer, ...nothing, schemaErrors: result.errors.map(({ message }) => message) };
    }
    const invalid = result.validationErrors.map(({ policyId, error }) => complaint(policyId, error));
    const warnings = result.validationWarnings.map(({ policyId, error }) => complaint(policyId, error));
    return { ...answer, invalid, warnings, schemaErrors: [] };
  } catch {
    return { ...answer, ...nothing, thrownAt: at };
  }
}

/** What the schema says of each action's context. Runs in the child, as `answerRequest` does. */
export function contextsOf(cedar: typeof Cedar, schema: string): ActionContexts {
  const answer = cedar.schemaToJsonWithResolvedTypes(schema);
  const actions = answer.type === 'success' ? Object.entries(answer.json['']?.actions ?? {}) : [];
  return Object.fromEntries(actions.map(([name, action]) => [name, (action.appliesTo?.context ?? {}) as ContextType]));
}

/** The main function of the child: one request on standard input, one answer on standard output. */
export function childMain(cedar: typeof Cedar, answer: typeof answerRequest, contexts: typeof contextsOf): void {
  let input = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (chunk) => (input += String(chunk)));
  process.stdin.on('end', () => {
    const request = JSON.parse(input) as ChildRequest;
    const reading = answer(cedar, request);
    const isUsable = reading.thrownAt === undefined && reading.schemaErrors.length === 0;
    const whole: ChildAnswer = { ...reading, contexts: isUsable ? contexts(cedar, request.schema) : {} };
    process.stdout.write(JSON.stringify(whole));
  });
}
