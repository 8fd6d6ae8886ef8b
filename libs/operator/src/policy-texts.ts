import type { PolicyBundle } from '#writ/policy';

/** Where the texts of policies come from. */
export interface PolicySources {
  /** The bundle of that hash as it was when it decided; undefined when it is no longer kept. */
  readonly bundle: (hash: string) => Promise<PolicyBundle | undefined>;
  /** The text of a policy file as it is now, by the name that decisions use; undefined when there is no such file. */
  readonly policyFile: (file: string) => Promise<string | undefined>;
}

/** The texts of the policies that a decision names: as they decided, or as their files are now when those are no longer kept. */
export interface PolicyTexts {
  readonly are: 'decided' | 'now';
  /** A text in which the policy stands at its line and column; undefined when there is none. */
  of(file: string, id: string): Promise<string | undefined>;
}

/** The texts for the decisions of one bundle. */
export async function policyTexts(hash: string, { bundle, policyFile }: PolicySources): Promise<PolicyTexts> {
  const decided = await bundle(hash);
  if (decided === undefined) return { are: 'now', of: (file) => policyFile(file) };
  const byId = new Map(decided.policies.map((policy) => [policy.id, policy]));
  return {
    are: 'decided',
    of: async (_file, id) => {
      const policy = byId.get(id);
      return policy && `${'\n'.repeat(policy.line - 1)}${' '.repeat(policy.col - 1)}${policy.text}`;
    },
  };
}
