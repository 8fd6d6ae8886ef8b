import { constants, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';

/**
 * The bytes of a regular file of no more than so many, or a sentence that says why there are none. It looks at what it has opened,
 * so that a file which is swapped meanwhile for a pipe or a large one neither holds the process up nor fills its memory. Rejects
 * with the error of the system when the file cannot be opened or read.
 */
export async function readRegularFile(path: string, bytesMax: number): Promise<Uint8Array | string> {
  // A pipe without a writer would be waited for, and there are few threads to wait on.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    const refusal = refusalOf(found, bytesMax);
    if (refusal !== undefined) return refusal;
    // One byte more than there is: what comes now would come without end.
    const bytes = Buffer.alloc(found.size + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
      if (bytesRead === 0) return bytes.subarray(0, length);
      length += bytesRead;
    }
    return 'the file grew while it was read';
  } finally {
    await file.close();
  }
}

function refusalOf(found: Stats, bytesMax: number): string | undefined {
  if (found.isDirectory()) return 'a link to a folder is not followed: put the folder here, or link to its files';
  if (!found.isFile()) return 'this is no regular file';
  return found.size > bytesMax ? `the file has ${found.size} bytes; the limit is ${bytesMax}` : undefined;
}
