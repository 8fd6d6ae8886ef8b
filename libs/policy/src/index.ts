export { bundleHash, Entity, EntityUid, PolicyBundle, PolicyJson, type PolicySetName, PolicySource } from './bundle.js';
export { clausePlaces, type PolicyTrace, traceClauses, traceFilter } from './clause-trace.js';
export { LOG_ONLY, type PolicyPlace } from './compile-policy.js';
export { cedarContext } from './cedar-json.js';
export { couldPermit } from './could-permit.js';
export { comparePolicies, type PolicyDifference } from './compare-policies.js';
export { decide, type PolicyCode, type PolicyDecision, type PolicyReasons, type PolicyRequest } from './decide.js';
export { type FilterPlan, type FilterRequest, planFilter } from './filter.js';
export { checkFilterable } from './filterable.js';
export type { PolicyContext } from './evaluator.js';
export { typedContextInput } from './input-type.js';
export { policyEntities, type PolicyModel, recordEntity, uids } from './model.js';
export { JsonTable, readJsonTable, type TabledJson } from './json-table.js';
export { mergeObligations } from './obligations.js';
export type { NearMiss } from './near-miss.js';
export { compilePolicies, type PolicySet, withEntities } from './policy-set.js';
export {
  annotationSpan,
  entitySpan,
  hasSpan,
  headSpan,
  oversizedIntegers,
  type PlacedText,
  placeOfSpan,
  spanOfBytes,
  tokenSpan,
} from './policy-spans.js';
export { lineIndex, type PolicyText, type Span, splitPolicies } from './policy-text.js';
export { inFileOrder, policyFault, type PolicyFaultCode, type PolicyProblem, policyProblemsOf } from './problems.js';
export { evaluatePredicate } from './predicates.js';
export { letsThrough, probeRecord } from './probe-record.js';
export { CEDAR_TYPE } from './read-input-type.js';
export { markShared } from './shared-expressions.js';
export { generateSchema, untypedArguments, type UntypedToolArgument } from './schema.js';
export { datetimeOf, isExtensionType } from './typed-text.js';
