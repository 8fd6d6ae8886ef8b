import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Detector } from '#writ/contracts';
import { packageRoot } from '../harness/package-root.js';

/** A text, and what in it is a secret or personal data. */
export interface LabelledText {
  readonly text: string;
  readonly secrets: readonly { readonly kind: Detector; readonly value: string }[];
}

type Parts = readonly string[];
interface Stored {
  readonly text: Parts;
  readonly secrets: readonly { readonly kind: Detector; readonly value: Parts }[];
}

/**
 * Texts that were written without knowledge of the rules. One half is for tuning these; the other one is never looked at for that, and
 * says how the rules do in the field. In the file tokens stand in parts, so that nobody takes them for live ones.
 */
export function labelledTexts(): {
  readonly tuning: readonly LabelledText[];
  readonly heldOut: readonly LabelledText[];
} {
  const file = join(packageRoot, 'test', 'vectors', 'labelled-texts.json');
  const { tuning, heldOut } = JSON.parse(readFileSync(file, 'utf8')) as Record<'tuning' | 'heldOut', readonly Stored[]>;
  return { tuning: tuning.map(joined), heldOut: heldOut.map(joined) };
}

function joined({ text, secrets }: Stored): LabelledText {
  return { text: text.join(''), secrets: secrets.map(({ kind, value }) => ({ kind, value: value.join('') })) };
}
