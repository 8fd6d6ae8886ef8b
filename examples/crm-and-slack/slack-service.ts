import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { serveJson, type LoopbackAnswer, type LoopbackRequest, type LoopbackServer } from './loopback-server.js';

const PostMessage = z.object({ channel: z.string().min(1), text: z.string().min(1) });
const UploadFile = z.object({ channel: z.string().min(1), filename: z.string().min(1), content: z.string() });

type SlackPost = z.infer<typeof PostMessage>;
type SlackUpload = z.infer<typeof UploadFile>;

/** What the Slack-shaped service saw: the demonstration counts effects here, not in what Writ says about them. */
export interface SlackService extends LoopbackServer {
  readonly posts: readonly SlackPost[];
  readonly uploads: readonly SlackUpload[];
  /** How many uploads have begun; each is in `uploads` when it has ended. */
  readonly uploadsBegun: number;
}

interface SlackOptions {
  /** The bot token that every call must carry, `xoxb-…`. */
  readonly token: string;
  readonly port?: number;
  readonly uploadMs?: number;
}

/** Starts the parts of the Slack Web API that the example uses. As Slack does, it answers 200 with `ok: false` on an error. */
export async function startSlackService(options: SlackOptions): Promise<SlackService> {
  const posts: SlackPost[] = [];
  const uploads: SlackUpload[] = [];
  const uploadMs = options.uploadMs ?? 3000;
  let uploadsBegun = 0;

  const postMessage = (body: unknown): LoopbackAnswer => {
    const message = PostMessage.safeParse(body);
    if (!message.success) return refusal('invalid_arguments');
    posts.push(message.data);
    const ts = `${Math.floor(Date.now() / 1000)}.${String(posts.length).padStart(6, '0')}`;
    return accepted({ channel: message.data.channel, ts, message: { type: 'message', ts, text: message.data.text } });
  };

  const uploadFile = async (body: unknown): Promise<LoopbackAnswer> => {
    const file = UploadFile.safeParse(body);
    if (!file.success) return refusal('invalid_arguments');
    uploadsBegun++;
    await sleep(uploadMs);
    uploads.push(file.data);
    return accepted({ file: { id: `F${String(uploads.length).padStart(8, '0')}`, name: file.data.filename } });
  };

  const server = await serveJson(options.port ?? 0, async (request) => {
    const refused = refuseUnauthorised(request, options.token);
    if (refused !== undefined) return refused;
    switch (`${request.method} ${request.path}`) {
      case 'POST /api/chat.postMessage':
        return postMessage(parseJson(request.body));
      case 'POST /api/files.upload':
        return uploadFile(parseJson(request.body));
      default:
        return refusal('unknown_method');
    }
  });
  return {
    ...server,
    posts,
    uploads,
    get uploadsBegun() {
      return uploadsBegun;
    },
  };
}

function refuseUnauthorised(request: LoopbackRequest, token: string): LoopbackAnswer | undefined {
  if (request.authorization === undefined) return refusal('not_authed');
  return request.authorization === `Bearer ${token}` ? undefined : refusal('invalid_auth');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function accepted(fields: Readonly<Record<string, unknown>>): LoopbackAnswer {
  return { status: 200, body: { ok: true, ...fields } };
}

function refusal(error: string): LoopbackAnswer {
  return { status: 200, body: { ok: false, error } };
}
