import { turnEnd } from './turn-end.js';

describe('the end of a turn', () => {
  it('lets all who came in one turn go on before what the first of them puts off', async () => {
    const untilEnd = turnEnd();
    const order: string[] = [];
    let flush: Promise<void> | undefined;
    const send = async (name: string) => {
      await untilEnd();
      order.push(name);
      flush ??= Promise.resolve().then(() => void order.push('one write'));
    };
    await Promise.all(['a', 'b', 'c'].map(send));
    await flush;
    expect(order).toEqual(['a', 'b', 'c', 'one write']);
  });

  it('comes again for those of a later turn, and not before it', async () => {
    const untilEnd = turnEnd();
    const order: string[] = [];
    await untilEnd();
    const later = untilEnd().then(() => order.push('later'));
    await Promise.resolve();
    order.push('this turn');
    await later;
    expect(order).toEqual(['this turn', 'later']);
  });
});
