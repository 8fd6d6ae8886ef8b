import { pino } from 'pino';
import { nestLogger } from './logger.js';

describe('what Nest says', () => {
  it('stands in the log of the service: its chatter as debug, its warnings and errors as they are', () => {
    const lines: { level: number; msg: string }[] = [];
    const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line) as never) });
    const nest = nestLogger(log);
    nest.log('a module was initialised');
    nest.warn('take care');
    nest.error({ code: 7 });
    expect(lines).toMatchObject([
      { level: 20, msg: 'a module was initialised' },
      { level: 40, msg: 'take care' },
      { level: 50, msg: '{"code":7}' },
    ]);
  });
});
