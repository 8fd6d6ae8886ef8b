export { BOX_BYTES_MIN, openBox, sealBox } from './box.js';
export { dataKeyId } from './key-id.js';
export { TenantKeys } from './tenant-keys.js';
