export { Fault, messageOf, toFault } from './fault.js';
export { FAULTS, type FaultCode } from './table.js';
