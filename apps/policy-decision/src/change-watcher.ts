const LOOK_EVERY_MS = 500;

/**
 * Looks at a fingerprint of files and reloads when it has changed and then stood still for one look: editors and deployments
 * write in several steps.
 */
export class ChangeWatcher {
  #timer: NodeJS.Timeout | undefined;
  #before: string;
  #isLooking = false;

  constructor(
    private readonly look: () => Promise<string>,
    private loaded: string,
    private readonly reload: () => Promise<void>,
  ) {
    this.#before = loaded;
  }

  start(onError: (error: unknown) => void): void {
    this.#timer = setInterval(() => {
      if (this.#isLooking) return;
      this.#isLooking = true;
      void this.once()
        .catch(onError)
        .finally(() => (this.#isLooking = false));
    }, LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One look. */
  async once(): Promise<void> {
    const now = await this.look();
    const isStill = now === this.#before;
    this.#before = now;
    if (now === this.loaded || !isStill) return;
    await this.reload();
    this.loaded = now;
  }
}
