import type { Json } from '#writ/contracts';

/** An event of `text/event-stream`, as a client of it is told. */
interface StreamEvent {
  readonly event: string;
  readonly data: string;
  /** The last `id` that the stream named, with this event or before it. */
  readonly id?: string;
}

/** What a tool answers for a stream: its events in order, and what is missing. */
interface CollectedEvents {
  readonly events: StreamEvent[];
  readonly isWhole: boolean;
}

const EVENTS_MAX = 1_000;
// `{"events":[` and `]}`, and a comma for each event.
const FRAME_BYTES = 13;

/**
 * The events of a stream by the rules of the HTML standard: an event that was not ended by a blank line is none, comments and `retry`
 * are dropped. At most 1,000, and as JSON at most `bytesMax` bytes; events beyond that are left out.
 */
export function collectEvents(bytes: Uint8Array, bytesMax: number): CollectedEvents {
  const events: StreamEvent[] = [];
  let size = FRAME_BYTES;
  for (const event of eventsIn(new TextDecoder().decode(bytes))) {
    size += Buffer.byteLength(JSON.stringify(event)) + 1;
    if (size > bytesMax || events.length === EVENTS_MAX) return { events, isWhole: false };
    events.push(event);
  }
  return { events, isWhole: true };
}

/** The same as JSON, with the note when there is one. */
export function eventsOutput({ events }: CollectedEvents, note: string | undefined): Json {
  return { events: events.map((each) => ({ ...each })), ...(note === undefined ? {} : { note }) };
}

function* eventsIn(text: string): Generator<StreamEvent> {
  let event = '';
  let data: string[] = [];
  let id: string | undefined;
  // What stands behind the last end of a line is no line yet.
  for (const line of text.split(/\r\n|\n|\r/).slice(0, -1)) {
    if (line === '') {
      if (data.length > 0)
        yield { event: event === '' ? 'message' : event, data: data.join('\n'), ...(id === undefined ? {} : { id }) };
      event = '';
      data = [];
      continue;
    }
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id' && !value.includes('\0')) id = value;
  }
}
