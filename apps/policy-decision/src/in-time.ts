/** The value of the work, or what `late` gives when it takes longer; the work goes on, and its failure is nobody's any more. */
export async function inTime<T>(work: Promise<T>, limitMs: number, late: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)));
  try {
    return await Promise.race([work, limit.then(late)]);
  } finally {
    work.catch(() => undefined);
    clearTimeout(timer);
  }
}
