export { explainCall, placeOf, type ExplainSources } from './explain-call.js';
export { explainEvaluation } from './explain-evaluation.js';
export type { ExplainedClause, ExplainedOutcome, ExplainedValue, Explanation, LedgerPlace } from './explanation.js';
export { entriesOfCall, entryById, ledgerMessages, type LocatedEntry } from './find-call.js';
export { ledgerStatus, type LedgerStatus } from './ledger-status.js';
export { openOperator, type Operator } from './open-operator.js';
export { type PastSources, pastDecisions } from './past-decisions.js';
export { recordIdentities } from './record-identities.js';
export { findRunStatus, removeRunStatus, type RunningProcess, type RunStatus, writeRunStatus } from './run-status.js';
