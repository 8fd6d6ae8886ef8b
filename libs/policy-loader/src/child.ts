import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';

/** What the child is asked: all policies at once, by a key of the loader's own. */
export interface ChildRequest {
  readonly schema: string;
  readonly policies: readonly { readonly key: string; readonly text: string }[];
  readonly treeDepthMax: number;
}

/** A complaint about one policy; `start` is a UTF-8 byte offset in its text. */
export interface ChildComplaint {
  readonly key: string;
  readonly message: string;
  readonly help?: string;
  readonly start?: number;
}

export interface ChildAnswer {
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

/**
 * Parses and validates. Runs in the child process only: a policy can make cedar-wasm abort its process or answer wrongly from
 * then on. The functions here are passed to the child as text, so that they run the same from dist and from source;
 * therefore they use nothing but their arguments and the globals of Node.
 */
export function answerRequest(cedar: typeof Cedar, request: ChildRequest): ChildAnswer {
  const parsed: { key: string; est: unknown }[] = [];
  const unparsed: ChildComplaint[] = [];
  const tooDeep: string[] = [];
  const complaint = (key: string, error: Cedar.DetailedError): ChildComplaint => {
    const start = error.sourceLocations?.[0]?.start;
    return {
      key,
      message: error.message,
      ...(error.help && { help: error.help }),
      ...(start !== undefined && { start }),
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

/** The main function of the child: one request on standard input, one answer on standard output. */
export function childMain(cedar: typeof Cedar, answer: typeof answerRequest): void {
  let input = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (chunk) => (input += String(chunk)));
  process.stdin.on('end', () => {
    process.stdout.write(JSON.stringify(answer(cedar, JSON.parse(input) as ChildRequest)));
  });
}
