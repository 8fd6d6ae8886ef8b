import { progressLine } from './progress-line.js';

describe('progressLine', () => {
  it.each([
    [{ progress: 3 }, 'progress: 3'],
    [{ progress: 3, total: 10 }, 'progress: 3 of 10'],
    [{ progress: 0.5, total: 1, message: 'copying' }, 'progress: 0.5 of 1: copying'],
  ])('says of %j: %s', (said, line) => {
    expect(progressLine(said)).toBe(line);
  });

  it('shows nothing that would command the terminal', () => {
    expect(progressLine({ progress: 1, message: '\u001b[2Jdone\nentry 1' })).toBe(
      'progress: 1: \ufffd[2Jdone\ufffdentry 1',
    );
  });
});
