/** Import rules of Writ. Pure libraries know nothing of the network, Nest or the disk; processes do not know each other. */
const PURE = '^libs/(contracts|faults|policy|tlog|signing|redaction|egress-rules|witness|siem|vault)/src/';
const TESTS = '\\.spec\\.ts$';

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'pure-stays-pure',
      comment:
        'a pure library imports pure libraries and node:crypto alone; time and randomness come as arguments or from there',
      severity: 'error',
      from: { path: PURE, pathNot: TESTS },
      to: { path: '^libs/', pathNot: PURE },
    },
    {
      name: 'pure-does-no-io',
      severity: 'error',
      from: { path: PURE, pathNot: TESTS },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|assert|assert/strict|buffer|util|zlib)$' },
    },
    {
      name: 'nest-at-the-edge',
      comment: 'Nest appears in apps, nest-transport and service-host only',
      severity: 'error',
      from: { path: '^libs/', pathNot: '^libs/(nest-transport|service-host)/' },
      to: { path: 'node_modules/@nestjs/' },
    },
    {
      name: 'nats-in-one-place',
      comment: 'the NATS client is imported in libs/nats and the SDK only',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: ['^libs/(nats|agent-sdk)/', TESTS] },
      to: { path: 'node_modules/(nats|@nats-io)/' },
    },
    {
      name: 'processes-are-apart',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/([^/]+)/', pathNot: '^apps/$1/' },
    },
    {
      name: 'libs-do-not-know-apps',
      severity: 'error',
      from: { path: '^libs/', pathNot: TESTS },
      to: { path: '^(apps|test|examples)/' },
    },
    {
      name: 'a-lib-has-one-door',
      comment: 'other libraries are imported by #writ/<name>, never by path',
      severity: 'error',
      from: { path: '^(libs|apps)/([^/]+)/', pathNot: TESTS },
      to: { path: '^libs/([^/]+)/src/(?!index\\.ts$)', pathNot: '^$1/$2/' },
    },
    {
      name: 'a-witness-is-small',
      comment: 'a security team runs it on its own: it reaches nothing of the deployment, no Nest and no NATS',
      severity: 'error',
      from: { path: '^libs/witness(-server)?/src/', pathNot: TESTS },
      to: {
        reachable: true,
        path: [
          '^(apps|test)/',
          '^libs/(?!(contracts|faults|files|signing|tlog|witness|witness-server)/)',
          'node_modules/(?!(pino|zod)/)',
        ],
      },
    },
    {
      name: 'not-to-dev-dep',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: TESTS },
      to: { dependencyTypes: ['npm-dev'] },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['writ-source', 'import', 'require', 'node', 'default', 'types'],
    },
  },
};
