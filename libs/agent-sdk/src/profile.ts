import { readFile } from 'node:fs/promises';
import { AgentName } from '#writ/contracts';
import { z } from 'zod';
import { WritError } from './errors.js';

const Profile = z.strictObject({
  /** Where the bus is: `nats://host:port`, or several separated by commas. */
  url: z.string().min(1),
  name: AgentName,
  /** The only subjects that the agent may subscribe to start with this. */
  inboxPrefix: z.string().regex(/^_INBOX[A-Za-z0-9_.-]*$/),
  /** The nkey seed of the agent: whoever has it is the agent. */
  seed: z.string().regex(/^SU[A-Z2-7]{56}$/, 'must be the seed of a user nkey'),
});

/** What `writ agent add` writes: who the agent is and where Writ is. */
export type AgentProfile = Readonly<z.infer<typeof Profile>>;

/** Reads and checks a profile, from its file when it is a path. Throws WritError PROFILE_INVALID, which never quotes the seed. */
export async function loadProfile(profile: string | AgentProfile): Promise<AgentProfile> {
  const result = Profile.safeParse(typeof profile === 'string' ? await readProfile(profile) : profile);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.join('.') ?? '';
  throw invalid(`the profile is not valid at \`${field}\`: ${issue?.message ?? 'unknown'}`);
}

async function readProfile(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw invalid(`the profile \`${path}\` cannot be read`, cause);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's message is dropped, because it quotes the file, which holds the seed.
    throw invalid(`the profile \`${path}\` is not JSON`);
  }
}

function invalid(message: string, cause?: unknown): WritError {
  return new WritError(message, { code: 'PROFILE_INVALID', cause });
}
