export { BOX_BYTES_MIN, openBox, sealBox } from './box.js';
export { dataKeyId } from './key-id.js';
export { TenantKeys } from './tenant-keys.js';
export { openToken, readToken, type Token, type Tokenise, tokeniserOf } from './token.js';
