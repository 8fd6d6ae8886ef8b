import type { CredentialUse } from '#writ/credentials';
import type { Client, Transport } from '@modelcontextprotocol/client';

/** What a call lends to the requests that are made for it. */
export interface CallTerms {
  /** Ends the requests of this call, and no others. */
  readonly signal: AbortSignal;
  readonly onCredential: (use: CredentialUse) => void;
}

/** A way to speak to an MCP server: what differs between a process and a URL. */
export interface McpLink {
  readonly transport: Transport;
  /** Why the server ended or could not be reached, for the log. */
  detail(): string;
  /** Told when the server shook hands. */
  connected(): void;
  /** Does work so that requests that are made in it know of the call. */
  during<T>(call: CallTerms, work: () => Promise<T>): Promise<T>;
  /** Whether after this error the server has to be connected again. */
  isLost(error: unknown): boolean;
  /** How long what the server offered is believed, when it says nothing. */
  readonly definitionsForMs: number;
  /** Takes leave of the server. It does not fail. */
  end(client: Client): Promise<void>;
}
