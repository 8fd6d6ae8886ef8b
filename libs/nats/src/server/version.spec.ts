import { Fault } from '#writ/faults';
import { checkNatsServerVersion } from './version.js';

const refused = (text: string): string => {
  try {
    return checkNatsServerVersion(text);
  } catch (error) {
    return error instanceof Fault ? error.code : String(error);
  }
};

describe('the floor of nats-server versions (AVAILABILITY-07, BROKER-05)', () => {
  it.each(['nats-server: v2.15.1', '2.14.3', 'v2.12.12', '2.12.13', '2.16.0', '3.0.0', '2.15.0-RC.1'])(
    'takes %s',
    (text) => {
      expect(text).toContain(checkNatsServerVersion(text));
    },
  );

  it.each([
    'nats-server: v2.10.27',
    '2.9.10',
    '2.11.16',
    '2.12.11',
    '2.12.12-RC.2',
    '2.13.0',
    '2.13.9',
    '2.14.0',
    '2.14.2',
    '2.14.3-RC.1',
    '1.99.99',
    'no version at all',
    '',
  ])('refuses %j', (text) => {
    expect(refused(text)).toBe('CONFIG_NATS_SERVER_OLD');
  });

  it('says why', () => {
    expect(() => checkNatsServerVersion('v2.10.27')).toThrow(/2\.10\.27.*below the floor.*security flaws/);
  });
});
