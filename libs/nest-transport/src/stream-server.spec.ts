import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { StreamServer } from './stream-server.js';

@Controller()
class Reader {
  readonly batches: (readonly number[])[] = [];
  inside = 0;
  most = 0;

  @MessagePattern('stream')
  async take(@Payload() batch: readonly number[]): Promise<void> {
    this.most = Math.max(this.most, ++this.inside);
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.inside -= 1;
    this.batches.push(batch);
    if (batch.includes(13)) throw new Error('a bug');
  }
}

async function aService(stream: (readonly number[])[]) {
  const errors: unknown[] = [];
  const strategy = new StreamServer<number>({
    read: () => Promise.resolve(stream.shift() ?? []),
    pollMs: 1,
    onError: (error) => errors.push(error),
  });
  const module = await Test.createTestingModule({ controllers: [Reader] }).compile();
  const app = module.createNestMicroservice({ strategy, logger: false });
  await app.listen();
  return { app, strategy, errors, reader: module.get(Reader) };
}

async function until(fact: () => boolean): Promise<void> {
  while (!fact()) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('StreamServer', () => {
  it('hands over each batch in order, one at a time, and an empty one when nothing came', async () => {
    const { app, strategy, reader } = await aService([[1, 2], [3]]);
    strategy.serve();
    await until(() => reader.batches.length >= 4);
    await app.close();
    expect(reader.batches.slice(0, 3)).toEqual([[1, 2], [3], []]);
    expect(reader.most).toBe(1);
  });

  it('reads nothing before it is told to, and nothing after it was closed', async () => {
    const { app, strategy, reader } = await aService([[1]]);
    expect(reader.batches).toEqual([]);
    strategy.serve();
    await until(() => reader.batches.length > 0);
    await app.close();
    const { length } = reader.batches;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(reader.batches).toHaveLength(length);
  });

  it('says what the handler threw, and goes on', async () => {
    const { app, strategy, reader, errors } = await aService([[13], [14]]);
    strategy.serve();
    await until(() => reader.batches.length >= 2);
    await app.close();
    expect(errors).toHaveLength(1);
    expect(reader.batches[1]).toEqual([14]);
  });
});
