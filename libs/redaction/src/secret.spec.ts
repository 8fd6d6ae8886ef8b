import { inspect } from 'node:util';
import { Secret } from './index.js';

describe('Secret', () => {
  it('prints as its name everywhere and reveals its value when asked', () => {
    const secret = new Secret('crm-api-key', 'the value');
    const shown = [String(secret), `${secret}`, JSON.stringify({ secret }), inspect({ secret }, { showHidden: true })];
    for (const text of shown) {
      expect(text).toContain('crm-api-key');
      expect(text).not.toContain('the value');
    }
    expect(Object.values(secret)).toEqual(['crm-api-key']);
    expect(secret.reveal()).toBe('the value');
  });
});
