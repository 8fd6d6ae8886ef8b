export { readAccessTokens } from './access-tokens.js';
export {
  addAgent,
  AgentProfile,
  listAgents,
  readProfile,
  removeAgent,
  setBusUrl,
  type RegisteredAgent,
} from './agents.js';
export {
  beginContinuation,
  type Continuation,
  endContinuation,
  installNextLogKey,
  keepAside,
  type LedgerEnd,
  nameNextLedger,
  readContinuation,
  signNextBundle,
} from './continuation.js';
export {
  deploymentServerConfig,
  openDeployment,
  type Deployment,
  renameLedger,
  type ServerPlace,
  tenantOf,
} from './deployment.js';
export { egressWays, readEgressAgentCa, readEgressAgentCaCertificate, readEgressCa } from './egress-ca.js';
export { executorApp, serviceInstances } from './instances.js';
export { closedPlace, deploymentPaths, type DeploymentPaths } from './paths.js';
export { readReplayRequest, replayRequestFile, type ReplayRequest, writeReplayRequest } from './replay-request.js';
export {
  beginRotation,
  endRotation,
  installKey,
  readRootKey,
  type RotatedKey,
  type Rotation,
  rotationIn,
} from './rotate-key.js';
export {
  answerSinkTest,
  askForSinkTest,
  readSinkTest,
  readSinkTestAnswer,
  type SinkTestAnswer,
  type SinkTestFiles,
  sinkTestFiles,
} from './sink-test.js';
export { startLedgerServer, type LedgerServer } from './start-ledger-server.js';
export { startBus, type BusHost, type RunningBus } from './start-bus.js';
export {
  type PublicKeys,
  readBusSeed,
  readPayloadKey,
  readPublicKeys,
  readSigningKey,
  readTrustBundle,
  writePayloadKey,
} from './keys.js';
