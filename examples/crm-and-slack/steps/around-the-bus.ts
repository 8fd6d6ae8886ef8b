import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { canUseOwnInbox, tryToGoAround } from '../bus-attempts.js';
import type { Step } from './step.js';

const Profile = z.object({ url: z.string(), name: z.string(), inboxPrefix: z.string(), seed: z.string() });

/** A bare NATS client with the intern's own key: there is no subject for what it wants. */
export const internGoesAround: Step = {
  name: 'around-the-bus',
  title: 'a plain NATS client with the key of intern tries to go around Writ',
  run: async ({ runtime, report }) => {
    const text = await readFile(join(runtime.data, 'agents', 'intern.json'), 'utf8');
    const identity = Profile.parse(JSON.parse(text));
    assert.ok(await canUseOwnInbox(identity), 'the client cannot even use its own inbox, so its refusals mean nothing');
    const attempts = await tryToGoAround(identity, 'support');
    for (const { what, subject, refused } of attempts) {
      report.say(
        `intern    ${what.padEnd(36)} ${subject.padEnd(30)} ${refused ? 'REFUSED by the bus' : 'went through'}`,
      );
    }
    const through = attempts.filter((attempt) => !attempt.refused).map((attempt) => attempt.subject);
    assert.deepEqual(through, [], `the bus let through: ${through.join(', ')}`);
    return { attempts: attempts.length, refused: attempts.length - through.length };
  },
};
