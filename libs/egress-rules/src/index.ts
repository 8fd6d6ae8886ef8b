export { assertInternal, assertPublic, classifyAddress } from './addresses.js';
export { type DestinationRule, internalOrigins, matchDestination } from './destinations.js';
export { checkRequestHeaders } from './headers.js';
export { parseDestination } from './parse-destination.js';
export { checkRequestRules } from './request-rules.js';
