export { makePrivateDirectory, readFileIfPresent, readSecretFile, syncDirectory, writeFileAtomic } from './files.js';
export { filesBelow } from './files-below.js';
export { acquireLease, type Lease, type LeaseHolder } from './lease.js';
export { acquireLock, type Lock } from './lock.js';
