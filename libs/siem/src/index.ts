export { type Heartbeat, RecordMaker, type RecordFormat, type SiemRecord } from './record.js';
export { frameSyslog, toSyslog } from './syslog.js';
