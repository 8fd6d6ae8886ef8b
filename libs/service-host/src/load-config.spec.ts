import { Fault } from '#writ/faults';
import { z } from 'zod';
import { exitOnConfig, loadConfig } from './load-config.js';
import { serviceSettings } from './service-context.js';

const given = { WRIT_CONFIG: '/c/writ.yaml', WRIT_DATA: '/d', WRIT_INSTANCE: 'pdp-1', WRIT_NATS_URL: 'nats://b:4222' };

describe('loadConfig', () => {
  it('reads the settings of a service, with a default for each that has one, and ignores the rest of the environment', () => {
    const settings = loadConfig(z.object(serviceSettings), { ...given, HOME: '/root' });
    expect(settings).toMatchObject({ ...given, WRIT_LOG_LEVEL: 'info' });
    expect(settings).not.toHaveProperty('HOME');
  });

  it('takes a port as the text that the environment has', () => {
    expect(loadConfig(z.object(serviceSettings), { ...given, WRIT_HEALTH_PORT: '8081' }).WRIT_HEALTH_PORT).toBe(8081);
  });
});

describe('exitOnConfig', () => {
  it('throws on what says nothing about the configuration', () => {
    const bug = new TypeError('a bug');
    expect(() => exitOnConfig(bug)).toThrow(bug);
    expect(() => exitOnConfig(new Fault('LEDGER_UNAVAILABLE', 'gone'))).toThrow('gone');
  });
});
