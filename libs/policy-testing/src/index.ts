export { askPolicies } from './ask.js';
export { Coverage, type Covered, type CoverageReport } from './coverage.js';
export { asBefore, changeOf, type FlipGroup, Flips } from './flips.js';
export { Replay } from './replay.js';
export { runTest, type TestResult } from './run-test.js';
export { parseTestFile, type PolicyTest } from './test-file.js';
