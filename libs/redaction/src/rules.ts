import type { Detector } from '#writ/contracts';
import { ASSIGNED_RULES } from './assigned-rules.js';
import { PASSWORD_RULES } from './password-rules.js';
import { EMAIL_RULES, NUMBER_RULES } from './personal-rules.js';
import type { OwnRule } from './rule.js';
import { TOKEN_RULES } from './token-rules.js';

/** In order: where two overlap, the union is replaced under the kind that stands first. */
export const OWN_RULES: readonly OwnRule[] = [
  ...TOKEN_RULES,
  ...ASSIGNED_RULES,
  ...NUMBER_RULES,
  ...EMAIL_RULES,
  ...PASSWORD_RULES,
];

/** Kinds that a key alone gives away: `{"password": "…"}`. Compared after folding, without `_`, `-` and blanks. */
export const SECRET_KEYS: readonly (readonly [Detector, RegExp])[] = [
  ['password', /^(?:[a-z0-9]{0,32}(?:password|passwd|passphrase|passcode)|pwd|pass)$/],
  [
    'api-key',
    /^(?:x?apikey|(?:access|auth|refresh|bearer|session|api|bot)token|clientsecret|secret(?:access)?key|privatekey|authorization)$/,
  ],
  ['ssn', /^(?:ssn|socialsecurity(?:number|no)?)$/],
];
