/** Everything that an executor does with a command, in order. `acknowledging` comes after `answered` for one that may run again. */
export const STEPS = [
  'taken',
  'read-back',
  'verified',
  'acknowledging',
  'acknowledged',
  'before-effect',
  'during-effect',
  'after-effect',
  'recording',
  'recorded',
  'answered',
] as const;
export type Step = (typeof STEPS)[number];

/** When the executor of a call dies. */
export interface Plan {
  readonly delivery: 'once' | 'retry';
  readonly n: number;
  readonly step: Step;
  /** So many turns of the event loop later. */
  readonly turns: number;
}

/** The id of a call that carries its plan. */
export function idOf({ delivery, n, step, turns }: Plan): string {
  return `${delivery}.${n}.${step}.${turns}`;
}

/** The plan that a call id carries; undefined when it has none. */
export function planOf(call: string): Plan | undefined {
  const [delivery, n, name, turns] = call.split('.');
  const step = STEPS.find((each) => each === name);
  if ((delivery !== 'once' && delivery !== 'retry') || step === undefined) return undefined;
  return { delivery, n: Number(n), step, turns: Number(turns) };
}
