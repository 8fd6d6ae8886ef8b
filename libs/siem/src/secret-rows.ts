import type { LeafType } from './leaf.js';
import { entity, type Row } from './row.js';

/** Entries about what is in the store of credentials. */
export type AboutSecret = Extract<LeafType, `credential.${'set' | 'rotated' | 'removed' | 'rekeyed'}`>;

/** What a change of the store is to a SIEM: none depends on more than its type. */
export const SECRET_ROWS: Readonly<Record<AboutSecret, Row>> = {
  'credential.set': entity('Secret set', [1, 'Create'], { ecs: iam('creation') }),
  'credential.rotated': entity('Secret rotated', [3, 'Update'], { ecs: iam('change') }),
  'credential.rekeyed': entity('Secret store rekeyed', [3, 'Update'], {
    severity: 3,
    cefSeverity: 6,
    ecs: iam('change'),
  }),
  'credential.removed': entity('Secret removed', [4, 'Delete'], { severity: 3, cefSeverity: 6, ecs: iam('deletion') }),
};

/** Whether an entry of that type is one. */
export function isAboutSecret(type: LeafType): type is AboutSecret {
  return Object.hasOwn(SECRET_ROWS, type);
}

function iam(type: string): Row['ecs'] {
  return { kind: 'event', category: 'iam', type };
}
