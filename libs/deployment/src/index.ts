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
export { deploymentServerConfig, openDeployment, type Deployment, type ServerPlace } from './deployment.js';
export { serviceInstances } from './instances.js';
export { deploymentPaths, type DeploymentPaths } from './paths.js';
export { startLedgerServer, type LedgerServer } from './start-ledger-server.js';
export { startBus, type BusHost, type RunningBus } from './start-bus.js';
export { readBusSeed, readPayloadKey, readSigningKey, readTrustBundle } from './keys.js';
