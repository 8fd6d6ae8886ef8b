export { askedOf, digestOf, namedBy, requestOf } from './asked.js';
export { authorise } from './authorise.js';
export { DailyCounts } from './daily-counts.js';
export { type Question, questionsOf } from './questions.js';
export { listCatalog } from './list-catalog.js';
export { type Rules, rulesOf } from './rules.js';
export { type Ruling, withheld } from './ruling.js';
export type { Verdict } from './verdict.js';
export { type Shadow, type ShadowedDecision } from './shadow.js';
