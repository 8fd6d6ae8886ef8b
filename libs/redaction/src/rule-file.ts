import { Fault } from '#writ/faults';
import { RE2JS } from 're2js';
import { parse as parseToml } from 'smol-toml';
import { z } from 'zod';
import { type Rule, type RuleGroup } from './rule.js';
import type { Range } from './validators.js';

const FILE_CHARACTERS_MAX = 1_048_576;
const PATTERN_CHARACTERS_MAX = 4_096;
const RULES_MAX = 1_000;
/** What is looked at of a line before and after a find, or many finds in one long line would take a time that is quadratic. */
const LINE_CHARACTERS_MAX = 1_024;

const Pattern = z.string().min(1).max(PATTERN_CHARACTERS_MAX);
const Texts = z.array(z.string().min(1).max(1_024)).max(10_000);
/** What a find is compared with. `line` and `match` are what gitleaks calls them; absent is the secret alone. */
const AllowList = z.strictObject({
  description: z.string().optional(),
  condition: z.enum(['OR', 'AND']).default('OR'),
  regexTarget: z.enum(['match', 'line', 'secret']).default('secret'),
  regexes: z.array(Pattern).max(1_000).default([]),
  stopwords: Texts.default([]),
  // Of files and commits, which values have none of.
  paths: z.array(z.string()).default([]),
  commits: z.array(z.string()).default([]),
  targetRules: z.array(z.string()).optional(),
});
type AllowList = z.infer<typeof AllowList>;

const FileRule = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/),
  description: z.string().optional(),
  regex: Pattern.optional(),
  secretGroup: z.int().min(0).max(64).optional(),
  entropy: z.number().min(0).max(8).default(0),
  keywords: Texts.default([]),
  tags: z.array(z.string()).optional(),
  path: z.string().optional(),
  allowlist: AllowList.optional(),
  allowlists: z.array(AllowList).default([]),
});
type FileRule = z.infer<typeof FileRule>;

const RuleFile = z.strictObject({
  title: z.string().optional(),
  description: z.string().optional(),
  minVersion: z.string().optional(),
  rules: z.array(FileRule).min(1).max(RULES_MAX),
  allowlist: AllowList.optional(),
  allowlists: z.array(AllowList).default([]),
});

/**
 * The rules of a file in the format of gitleaks (TOML; https://github.com/gitleaks/gitleaks, `config`): each has a pattern in the
 * syntax of RE2, which is run by an engine of linear time, keywords without which it is not asked, a least entropy of the secret in bits a
 * character, and lists of what is none. A rule about the path of a file alone says nothing of a value and is left out. Throws
 * CONFIG_INVALID with what is wrong where: for what is not understood, so that no rule is lost in silence, and for `extend`.
 */
export function readRuleFile(text: string, file: string): RuleGroup {
  const { rules, allowlist, allowlists } = parsed(text, file);
  const everywhere = [...(allowlist === undefined ? [] : [allowlist]), ...allowlists];
  const ids = rules.map(({ id }) => id);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice !== undefined) throw invalid(file, `has two rules \`${twice}\``);
  const compiled = rules.flatMap((rule) => {
    const lists = everywhere.filter(({ targetRules }) => targetRules === undefined || targetRules.includes(rule.id));
    const own = [...(rule.allowlist === undefined ? [] : [rule.allowlist]), ...rule.allowlists];
    return rule.regex === undefined ? [] : [compileRule(rule, rule.regex, { file, lists: [...lists, ...own] })];
  });
  if (compiled.length === 0) throw invalid(file, 'has no rule with a `regex`');
  return { gate: anyOf(rules.map(({ keywords }) => keywords)), rules: compiled };
}

function parsed(text: string, file: string): z.infer<typeof RuleFile> {
  if (text.length > FILE_CHARACTERS_MAX) throw invalid(file, `is over ${FILE_CHARACTERS_MAX} characters`);
  let toml: unknown;
  try {
    toml = parseToml(text);
  } catch (cause) {
    const { line, column } = cause as { readonly line?: number; readonly column?: number };
    throw invalid(line === undefined ? file : `${file}:${line}:${column ?? 1}`, 'is not TOML', cause);
  }
  const result = RuleFile.safeParse(toml);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.map(String).join('.') ?? '';
  throw invalid(file, `${where === '' ? '' : `\`${where}\`: `}${issue?.message ?? 'is no rule file'}`);
}

function compileRule(
  rule: FileRule,
  regex: string,
  { file, lists }: { readonly file: string; readonly lists: readonly AllowList[] },
): Rule {
  const where = `rule \`${rule.id}\``;
  const pattern = new LinearPattern(compile(regex, { file, where }));
  if ((rule.secretGroup ?? 0) > pattern.groups) throw invalid(file, `${where} has no group ${rule.secretGroup}`);
  const isAllowed = lists.map((list) => compileAllowList(list, { file, where }));
  const secretOf = (match: RegExpExecArray): Range => pattern.rangeOf(match, rule.secretGroup);
  return {
    kind: 'rule-file',
    gate: anyOf([rule.keywords]),
    pattern,
    isSkippedWhole: true,
    pick: (match, text) => {
      const [start, end] = secretOf(match);
      if (start === end) return undefined;
      const secret = text.slice(start, end);
      if (rule.entropy > 0 && entropyOf(secret) <= rule.entropy) return undefined;
      return isAllowed.some((allows) => allows({ secret, match, text })) ? undefined : [start, end];
    },
  };
}

interface Found {
  readonly secret: string;
  readonly match: RegExpExecArray;
  readonly text: string;
}

function compileAllowList(
  list: AllowList,
  at: { readonly file: string; readonly where: string },
): (found: Found) => boolean {
  const regexes = list.regexes.map((regex) => compile(regex, at));
  const stopwords = list.stopwords.map((word) => word.toLowerCase());
  const target = ({ secret, match, text }: Found): string => {
    if (list.regexTarget === 'secret') return secret;
    if (list.regexTarget === 'match') return match[0];
    const end = match.index + match[0].length;
    const before = text.slice(Math.max(0, match.index - LINE_CHARACTERS_MAX), match.index);
    const [after = ''] = text.slice(end, end + LINE_CHARACTERS_MAX).split('\n', 1);
    return before.slice(before.lastIndexOf('\n') + 1) + match[0] + after;
  };
  const tests: ((found: Found) => boolean)[] = [];
  if (regexes.length > 0) tests.push((found) => regexes.some((regex) => regex.matcher(target(found)).find()));
  if (stopwords.length > 0) {
    tests.push(({ secret }) => {
      const lower = secret.toLowerCase();
      return stopwords.some((word) => lower.includes(word));
    });
  }
  // A value is in no file and no commit: a list that asks for one of those as well never holds.
  if (list.condition === 'AND') {
    if (tests.length === 0 || list.paths.length > 0 || list.commits.length > 0) return () => false;
    return (found) => tests.every((test) => test(found));
  }
  return (found) => tests.some((test) => test(found));
}

/** A pattern of RE2, as `Rule` asks for: it looks from `lastIndex` on. */
class LinearPattern {
  lastIndex = 0;

  constructor(private readonly regex: RE2JS) {}

  get groups(): number {
    return this.regex.groupCount();
  }

  exec(text: string): RegExpExecArray | null {
    const matcher = this.regex.matcher(text);
    if (this.lastIndex > text.length || !matcher.find(this.lastIndex)) return null;
    const found = [matcher.group() ?? ''] as unknown as RegExpExecArray;
    found.index = matcher.start();
    found.input = text;
    found.indices = Array.from({ length: this.groups + 1 }, (_, group) => [
      matcher.start(group),
      matcher.end(group),
    ]) as RegExpIndicesArray;
    this.lastIndex = matcher.end();
    return found;
  }

  /** Where the secret stands: the group that the rule names, else the first that has something in it, else the whole. */
  rangeOf({ indices = [] }: RegExpExecArray, group: number | undefined): Range {
    const [whole = [0, 0], ...groups] = indices as readonly (readonly [number, number])[];
    const named = group === undefined ? groups.find(([start, end]) => end > start) : indices[group];
    const [start, end] = named === undefined || named[1] <= named[0] ? whole : named;
    return [start, end];
  }
}

function compile(regex: string, { file, where }: { readonly file: string; readonly where: string }): RE2JS {
  try {
    return RE2JS.compile(regex);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : 'is no pattern of RE2';
    throw invalid(file, `${where}: ${detail}`, cause);
  }
}

/** A gate that opens for a text with one of the keywords of each list; a list without any opens it for everything. */
function anyOf(lists: readonly (readonly string[])[]): RegExp {
  if (lists.some((keywords) => keywords.length === 0)) return /(?:)/;
  const words = new Set(lists.flat().map((keyword) => keyword.toLowerCase()));
  return new RegExp([...words].map((word) => word.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'i');
}

/** Shannon's, in bits a character. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  const length = [...text].length;
  return [...counts.values()].reduce((sum, count) => sum - (count / length) * Math.log2(count / length), 0);
}

function invalid(file: string, problem: string, cause?: unknown): Fault {
  return new Fault('CONFIG_INVALID', `the rule file \`${file}\` ${problem}`, { cause });
}
