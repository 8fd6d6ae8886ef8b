import { PassThrough } from 'node:stream';
import { StderrTail } from './stderr-tail.js';

describe('StderrTail', () => {
  it('keeps the end, without control characters that could forge a line of a log', () => {
    const stream = new PassThrough();
    const tail = new StderrTail(stream);
    stream.emit('data', Buffer.from('x'.repeat(5_000)));
    stream.emit('data', Buffer.from('first\r\n\u001b[31msecond\u202e'));
    expect(tail.text().length).toBeLessThanOrEqual(1_000);
    expect(tail.text()).toMatch(/xfirst \[31msecond$/);
  });

  it('is empty without a stream', () => {
    expect(new StderrTail(null).text()).toBe('');
  });
});
