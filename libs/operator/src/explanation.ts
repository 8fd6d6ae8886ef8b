import type { Json, Redaction, LlmCost } from '#writ/contracts';

/** Everything an operator can know about one call: who asked for what, why it was answered so, and where that is on record. */
export interface Explanation {
  readonly call: string;
  /** The enforcement point outside of Writ that asked, when it was no agent. */
  readonly askedBy?: { readonly client: string; readonly requestId?: string };
  readonly agent: string;
  readonly tenant: string;
  readonly session?: string;
  readonly trace?: string;
  readonly kind: string;
  readonly resource: string;
  readonly decision: 'allow' | 'deny';
  readonly code: string;
  readonly decidedAt: string;
  readonly bundle: {
    readonly hash: string;
    /** Whether the policy files, as they are now, are those that decided. */
    readonly onDisk: 'same' | 'other' | 'unknown';
    /** Whether the texts here are those that decided, or those of the files now because that bundle is no longer kept. */
    readonly texts: 'decided' | 'now';
  };
  /** The policies that made the decision; none for a default deny. */
  readonly policies: readonly ExplainedPolicy[];
  /** For a denial by forbids: what held in them. */
  readonly held: readonly ExplainedClause[];
  /** Policies in `log_only` mode that would have fired. */
  readonly logged: readonly ExplainedPolicy[];
  /** What would have made the denial an allow: the forbid that says so, and the kind. */
  readonly remedies: readonly { readonly policy: string; readonly kind: string }[];
  /** What policy marked the result with. */
  readonly labels: readonly string[];
  /** For a default deny: the permits that came nearest. */
  readonly nearest: readonly ExplainedClause[];
  readonly errors: readonly { readonly id: string; readonly message: string }[];
  readonly obligations: readonly string[];
  readonly redactions: { readonly input: readonly Redaction[]; readonly output: readonly Redaction[] };
  /** On an allow: how the command was handed over. */
  readonly command?: {
    readonly delivery: string;
    readonly pool: string;
    readonly takeBy: string;
    readonly finishBy: string;
  };
  readonly outcome: ExplainedOutcome;
  readonly credentials: readonly { readonly name: string; readonly origin: string; readonly echoed: boolean }[];
  readonly values: readonly ExplainedValue[];
  readonly ledger: readonly LedgerPlace[];
  readonly rejected: readonly { readonly seq: number; readonly reason: string }[];
}

export interface ExplainedPolicy {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  /** `policies/slack.cedar:19:1`. */
  readonly at: string;
  /** From that place to its end; absent when there is no policy at that place any more. */
  readonly text?: string;
}

/** A clause, or a part of a scope, with what it read. */
export interface ExplainedClause {
  readonly id: string;
  readonly at: string;
  readonly col: number;
  /** As the policy says it. */
  readonly clause: string;
  /** The line that it stands in; absent when something else stands there by now. */
  readonly source?: string;
  /** What the clause read, by path. */
  readonly read: { readonly [path: string]: Json };
}

/** `none`: it was denied, so nothing ran. `open`: it has not ended yet. */
export interface ExplainedOutcome {
  readonly status: 'none' | 'open' | 'completed' | 'failed' | 'expired' | 'indeterminate';
  readonly code?: string;
  readonly at?: string;
  readonly ms?: number;
  readonly bytes?: number;
  /** How often the executor tried, where that is more than once. */
  readonly attempts?: number;
  /** Of a call of a language model. */
  readonly llm?: LlmCost;
  /** The service had more to say than the agent was given. */
  readonly cut?: true;
}

/** A value of the payload store, and whether it is the one that the ledger commits to. */
export interface ExplainedValue {
  readonly name: 'arguments' | 'command' | 'result';
  readonly value?: Json;
  /**
   * `opens`: it is the committed value. `differs`: it is not. `gone`: it is past retention. `erased`: its key was destroyed, see
   * `erasure`. `lost`: its key is missing, and nobody is on record for that.
   */
  readonly commitment: 'opens' | 'differs' | 'gone' | 'erased' | 'lost';
  readonly erasure?: { readonly at: string; readonly by: string; readonly basis: string; readonly entry: string };
}

/** Where an entry stands and who signed it. */
export interface LedgerPlace {
  readonly type: string;
  readonly ts: string;
  readonly seq: number;
  readonly i: number;
  readonly entry: string;
  /** RFC 6962 leaf hash, hexadecimal. */
  readonly leaf: string;
  /** Hash of the block, base64url. */
  readonly block: string;
  readonly producer: string;
  readonly key: string;
  readonly signedBy: string;
}
