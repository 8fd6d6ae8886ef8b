import { Fault, type FaultCode } from '#writ/faults';
import { CircuitBreaker } from './circuit-breaker.js';

function setup() {
  let nowMs = 0;
  let tries = 0;
  const breaker = new CircuitBreaker({ failures: 3, pauseMs: 1000, now: () => nowMs });
  const call = (agent: string, code?: FaultCode) =>
    breaker
      .run(agent, async () => {
        tries++;
        if (code !== undefined) throw new Fault(code, 'no');
        return 'done';
      })
      .catch((error: unknown) => (error instanceof Fault ? error.code : error));
  return { breaker, call, tries: () => tries, pass: (milliseconds: number) => (nowMs += milliseconds) };
}

describe('a circuit breaker', () => {
  it('opens after failures in a row, and then asks nobody', async () => {
    const { breaker, call, tries } = setup();
    for (let failed = 0; failed < 3; failed++) await call('a', 'EXECUTOR_UNREACHABLE');
    expect(breaker.isOpen).toBe(true);
    expect(await call('b')).toBe('EXECUTOR_CIRCUIT_OPEN');
    expect(tries()).toBe(3);
  });

  it('opens when calls of several agents get no answer in time', async () => {
    const { breaker, call } = setup();
    for (const agent of ['a', 'a', 'b']) await call(agent, 'EXECUTOR_TIMEOUT');
    expect(breaker.isOpen).toBe(true);
  });

  it.each<[string, FaultCode]>([
    ['by calls that take too long', 'EXECUTOR_TIMEOUT'],
    ['by calls that the service refuses', 'EXECUTOR_FAILED'],
    ['by answers that are too large', 'EXECUTOR_OUTPUT_TOO_LARGE'],
  ])('is not opened by one agent alone: %s', async (_case, code) => {
    const { breaker, call } = setup();
    for (let failed = 0; failed < 10; failed++) await call('hostile', code);
    expect(breaker.isOpen).toBe(false);
  });

  it('counts what fails in a row alone', async () => {
    const { breaker, call } = setup();
    for (const code of ['EXECUTOR_UNREACHABLE', 'EXECUTOR_UNREACHABLE', undefined, 'EXECUTOR_UNREACHABLE'] as const)
      await call('a', code);
    expect(breaker.isOpen).toBe(false);
  });

  it('lets one call try after the pause: it closes by success and opens again by failure', async () => {
    const { breaker, call, pass, tries } = setup();
    for (let failed = 0; failed < 3; failed++) await call('a', 'EXECUTOR_UNREACHABLE');
    pass(1000);
    const [first, second] = await Promise.all([call('a', 'EXECUTOR_UNREACHABLE'), call('b')]);
    expect([first, second]).toEqual(['EXECUTOR_UNREACHABLE', 'EXECUTOR_CIRCUIT_OPEN']);
    pass(999);
    expect(await call('a')).toBe('EXECUTOR_CIRCUIT_OPEN');
    pass(1);
    expect(await call('a')).toBe('done');
    expect(breaker.isOpen).toBe(false);
    expect(tries()).toBe(5);
  });
});
