export { makePrivateDirectory, readFileIfPresent, readSecretFile, syncDirectory, writeFileAtomic } from './files.js';
export { filesBelow } from './files-below.js';
export { acquireLock, type Lock } from './lock.js';
