export { bundleHash, Entity, EntityUid, PolicyBundle, PolicyJson, PolicySource } from './bundle.js';
export type { PolicyPlace } from './compile-policy.js';
export {
  decide,
  type PolicyCode,
  type PolicyDecision,
  type PolicyError,
  type PolicyReasons,
  type PolicyRequest,
} from './decide.js';
export { type FilterPlan, type FilterRequest, planFilter } from './filter.js';
export { checkFilterable } from './filterable.js';
export { typedContextInput } from './input-type.js';
export { policyEntities, type PolicyModel, recordEntity, uids } from './model.js';
export type { NearMiss } from './near-miss.js';
export { compilePolicies, type PolicySet } from './policy-set.js';
export { lineIndex, splitPolicies } from './policy-text.js';
export { formatProblem, policyFault, type PolicyFaultCode, type PolicyProblem, policyProblemsOf } from './problems.js';
export { evaluatePredicate, type RecordAttributes } from './predicates.js';
export { generateSchema } from './schema.js';
