export { Fault, messageOf, toFault } from './fault.js';
export { FAULTS, type FaultCode, type LogLevel, type Settlement } from './table.js';
