const running = new Set<number>();

/** No child outlives this process, however it exits but by SIGKILL. Returns the function that takes the process off the list. */
export function killOnExit(pid: number): () => void {
  if (running.size === 0) process.on('exit', killAll);
  running.add(pid);
  return () => {
    running.delete(pid);
    if (running.size === 0) process.off('exit', killAll);
  };
}

function killAll(): void {
  for (const pid of running) killProcess(pid);
}

/** Ends a process at once; a negative number is the group of a process. One that has ended already is no error. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
