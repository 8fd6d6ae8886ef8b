export { type ConnectMcp, connectMcpStdio, type McpConnection, type McpConnectOptions } from './connection.js';
export { deferred } from './deferred.js';
export { definitionsOf, type ToolDefinition, type ToolDefinitions } from './definitions.js';
