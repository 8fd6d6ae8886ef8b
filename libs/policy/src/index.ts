export { bundleHash, Entity, EntityUid, PolicyBundle, PolicyJson, PolicySource } from './bundle.js';
export { decide, type PolicyCode, type PolicyDecision, type PolicyReasons, type PolicyRequest } from './decide.js';
export { type FilterPlan, planFilter } from './filter.js';
export { checkFilterable } from './filterable.js';
export { typedContextInput } from './input-type.js';
export { policyEntities, type PolicyModel, recordEntity, uids } from './model.js';
export { compilePolicies, type PolicySet } from './policy-set.js';
export {
  annotationSpan,
  hasSpan,
  headSpan,
  oversizedIntegers,
  type PlacedText,
  placeOfSpan,
  spanOfBytes,
  tokenSpan,
} from './policy-spans.js';
export { lineIndex, splitPolicies } from './policy-text.js';
export { inFileOrder, policyFault, type PolicyFaultCode, type PolicyProblem, policyProblemsOf } from './problems.js';
export { evaluatePredicate } from './predicates.js';
export { generateSchema, untypedArguments, type UntypedToolArgument } from './schema.js';
