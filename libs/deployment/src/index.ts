export { addAgent, AgentProfile, listAgents, readProfile, removeAgent, type RegisteredAgent } from './agents.js';
export { deploymentServerConfig, openDeployment, type Deployment, type ServerPlace } from './deployment.js';
export { serviceInstances, type ServiceInstance } from './instances.js';
export { deploymentPaths, type DeploymentPaths } from './paths.js';
export { assertSafeServerConfig } from './safe-server-config.js';
export { startBus, type RunningBus, type StartBusOptions } from './start-bus.js';
export { readBusSeed, readPayloadKey, readSigningKey, readTrustBundle } from './keys.js';
