export { Sandbox } from './sandbox.js';
export { killOnExit, killProcess } from './kill-on-exit.js';
export { type Program } from './bubblewrap.js';
