export { type ConnectMcp, connectMcp, type McpConnection, type McpConnectOptions } from './connection.js';
export { deferred } from './deferred.js';
export { definitionsOf, type ToolDefinition, type ToolDefinitions } from './definitions.js';
export type { McpHttp } from './http-link.js';
