export { askPolicies } from './ask.js';
export { Coverage, type CoverageReport } from './coverage.js';
export { comparePolicies, type PolicyDifference } from './compare-policies.js';
export { asBefore, changeOf, type FlipGroup, Flips } from './flips.js';
export { Replay } from './replay.js';
export { runTest, type TestResult } from './run-test.js';
export { parseTestFile, type PolicyTest } from './test-file.js';
