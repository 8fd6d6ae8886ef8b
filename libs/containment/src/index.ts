export { Sandbox } from './sandbox.js';
export { EGRESS_SOCKET } from './egress-way.js';
export { killOnExit, killProcess } from './kill-on-exit.js';
export { type Program } from './bubblewrap.js';
