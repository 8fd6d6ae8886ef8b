import { randomBytes } from 'node:crypto';
import { startSlackService, type SlackService } from './slack-service.js';
import { startStatusService, type StatusService } from './status-service.js';

/** The services that the agents are after, and the variables that writ.yaml reads. */
export interface ExampleServices {
  readonly slack: SlackService;
  readonly status: StatusService;
  readonly slackToken: string;
  readonly statusKey: string;
  readonly variables: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Starts both services with fresh secrets. Ports of 0 take any free port. */
export async function startExampleServices(ports: { slack: number; status: number }): Promise<ExampleServices> {
  const slackToken = `xoxb-${randomDigits()}-${randomDigits()}-${randomBytes(12).toString('hex')}`;
  const statusKey = `status-${randomBytes(16).toString('hex')}`;
  const slack = await startSlackService({ token: slackToken, port: ports.slack });
  const status = await startStatusService({ key: statusKey, port: ports.status });
  return {
    slack,
    status,
    slackToken,
    statusKey,
    variables: {
      SLACK_URL: slack.url,
      STATUS_URL: status.url,
      SLACK_BOT_TOKEN: slackToken,
      STATUS_API_KEY: statusKey,
    },
    close: async () => {
      await Promise.all([slack.close(), status.close()]);
    },
  };
}

function randomDigits(): string {
  return String(randomBytes(5).readUIntBE(0, 5)).padStart(13, '1');
}
