// Jest runs the TypeScript sources as native ES modules; `#writ/*` points at the sources instead of dist.
const base = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^#writ/(.*)$': '<rootDir>/libs/$1/src/index.ts', '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        module: { type: 'es6' },
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
      },
    ],
  },
};

const REAL = ['\\.int\\.spec\\.ts$', '\\.e2e\\.spec\\.ts$'];

export default {
  projects: [
    // No network, clock or disk.
    {
      ...base,
      displayName: 'unit',
      testMatch: ['<rootDir>/{apps,libs,examples,test}/**/*.spec.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/dist/', ...REAL],
    },
    // A real nats-server, database, child process or socket, each by its adapter.
    { ...base, displayName: 'int', testMatch: ['<rootDir>/{apps,libs,examples,test}/**/*.int.spec.ts'] },
    // The whole of Writ.
    { ...base, displayName: 'e2e', testMatch: ['<rootDir>/test/**/*.e2e.spec.ts'] },
  ],
  testTimeout: 30_000,
  // Two cores: one worker for the tests, the rest for the servers that they start.
  maxWorkers: 2,
};
