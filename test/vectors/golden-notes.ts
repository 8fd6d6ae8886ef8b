import { SigningKey } from '#writ/signing';

const key = (name: string, fill: number) => new SigningKey(name, Buffer.alloc(32, fill));

/** Keys with fixed seeds, so that what they sign is the same on every machine and in every language. */
export const goldenLog = key('writ.example/acme/2026', 1);
export const goldenWitness = key('witness.example/w1', 2);
export const GOLDEN_TIME = 1_800_000_000;

export const GOLDEN_TEXT = 'writ.example/acme/2026\n70000\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';

/** The checkpoint above with the signature of its log and the cosignature of its witness. */
export const GOLDEN_NOTE = `${GOLDEN_TEXT}
— writ.example/acme/2026 NO8Jn9An4miuxqkf3IY0mLbuw5hym56jNDUJj9MWGhY6+KqHXJouxLHV4ZF+txzEHHF4Tl8GFVipLwVuLv/FBJL71wU=
— witness.example/w1 3xwKNQAAAABrSdIALe86FWo2nXUrhQCiZMGQoEa6cOV5KRiQRNh0B6PsZyTSt6EfXD7fk/5nnv+FxGzef/yV4+6O6pE0FvMXLIWQCA==
`;
export const GOLDEN_LOG_VKEY = 'writ.example/acme/2026+34ef099f+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c';
export const GOLDEN_WITNESS_VKEY = 'witness.example/w1+df1c0a35+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU';
