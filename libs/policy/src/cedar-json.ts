import type { Json } from '#writ/contracts';
import type { ContextValue, PolicyContext } from './evaluator.js';
import { textOfExtension } from './extension-functions.js';
import { ExtensionValue } from './values.js';

/** The context as Cedar reads it: JSON, with an `__extn` for each value of an extension type. */
export function cedarContext(context: PolicyContext): Readonly<Record<string, Json>> {
  return Object.fromEntries(Object.entries(context).map(([name, value]) => [name, cedarJson(value)]));
}

function cedarJson(value: ContextValue): Json {
  if (value instanceof ExtensionValue) return escapeOf(value);
  if (typeof value !== 'object' || value === null) return value;
  return isArray(value) ? value.map(cedarJson) : cedarContext(value);
}

function escapeOf(value: ExtensionValue): Json {
  switch (value.type) {
    case 'ipaddr':
      return call('ip', textOfExtension(value));
    case 'decimal':
    case 'duration':
      return call(value.type, textOfExtension(value));
    case 'datetime': {
      // Not every moment has a date that Cedar reads: an offset may lead out of the years 0 to 9999.
      const epoch = call('datetime', '1970-01-01');
      return { __extn: { fn: 'offset', args: [epoch, call('duration', `${value.number}ms`)] } };
    }
  }
}

function call(fn: string, arg: string): Json {
  return { __extn: { fn, arg } };
}

function isArray(value: ContextValue): value is readonly ContextValue[] {
  return Array.isArray(value);
}
