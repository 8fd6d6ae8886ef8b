/** The OCSF classes that entries are mapped to. */
export type OcsfClass = 'api' | 'datastore' | 'http' | 'entity' | 'finding' | 'eventLog' | 'lifecycle' | 'base';

/** OCSF `severity_id`: 1 informational, 2 low, 3 medium, 4 high, 5 critical. */
export type Severity = 1 | 2 | 3 | 4 | 5;

/** What a type of entry, with its outcome, is to a SIEM: one line of the mapping table. */
export interface Row {
  /** For people; constant, so that nobody who is governed can write in it. */
  readonly title: string;
  readonly ocsf: OcsfClass;
  readonly activityId: number;
  readonly activity: string;
  readonly severity: Severity;
  /** OCSF `action_id` and `disposition_id`, where a control decided. */
  readonly control?: readonly [action: number, disposition: number];
  readonly isSuccess?: boolean;
  readonly ecs: { readonly kind: 'event' | 'alert'; readonly category: string; readonly type: string };
  readonly cefSeverity: number;
  readonly isAlert?: boolean;
}

/** An activity that OCSF has no name for. */
export const OTHER = 99;

/** A custom activity of the API class: OCSF has no class for what agents do, and says to use this one. */
export function api(title: string, activity: string, rest: Partial<Row> & Pick<Row, 'severity'>): Row {
  return {
    title,
    ocsf: 'api',
    activityId: OTHER,
    activity,
    ecs: { kind: 'event', category: 'api', type: 'info' },
    cefSeverity: 2 * rest.severity,
    ...rest,
  };
}

/** Actions and dispositions of OCSF that several kinds of rows have: id of the action, id of the disposition. */
export const BLOCKED = [2, 2] as const;
export const DETECTED = [3, 15] as const;

/** Severities where nothing else is to be said: of OCSF, and of CEF. */
export const plain = (severity: Row['severity'], cefSeverity: number) => ({ severity, cefSeverity });

/** A detection: something that nobody should have to look for. */
export function finding(title: string, severity: 4 | 5, control: Row['control'] & {}): Row {
  return {
    title,
    ocsf: 'finding',
    activityId: 1,
    activity: 'Create',
    severity,
    control,
    ecs: { kind: 'alert', category: 'intrusion_detection', type: 'info' },
    cefSeverity: 2 * severity,
    isAlert: true,
  };
}

/** A change of something that is managed. */
export function entity(title: string, activity: readonly [id: number, name: string], rest: Partial<Row>): Row {
  return {
    title,
    ocsf: 'entity',
    activityId: activity[0],
    activity: activity[1],
    severity: 2,
    isSuccess: true,
    ecs: { kind: 'event', category: 'configuration', type: 'change' },
    cefSeverity: 4,
    ...rest,
  };
}

/** Something about the log itself. */
export function eventLog(title: string, activity: readonly [id: number, name: string], rest: Partial<Row> = {}): Row {
  return {
    title,
    ocsf: 'eventLog',
    activityId: activity[0],
    activity: activity[1],
    severity: 1,
    ecs: { kind: 'event', category: 'configuration', type: 'info' },
    cefSeverity: 1,
    ...rest,
  };
}
