/** How a value of each extension type is compared. */
const COMPARED = new Map([
  ['ipaddr', 'with `== ip("10.0.0.1")` or `.isInRange(ip("10.0.0.0/8"))`'],
  ['datetime', 'with `<`, `==` and so on, and with `datetime("2026-01-31T12:00:00Z")`'],
  ['decimal', 'with `.lessThan(decimal("10.5"))`, `.greaterThan(…)` and so on, or with `== decimal("10.5")`'],
  ['duration', 'with `<`, `==` and so on, and with `duration("1d12h")`'],
]);
const MISMATCH = /^(?:the types .* are not compatible$|unexpected type: )/;
const SEEN = /but saw (\w+)$/;
const NOT_LITERAL = /^extension constructors may not be called with non-literal/;

/** What to write where Cedar found a value of an extension type and something else; undefined for any other complaint. */
export function typeAdvice(message: string): string | undefined {
  if (NOT_LITERAL.test(message)) {
    return 'a constructor takes literals alone: declare the argument with `x-cedar-type` in its schema, and use it without';
  }
  if (!MISMATCH.test(message)) return undefined;
  const named = [SEEN.exec(message)?.[1] ?? '', ...message.split(/\W+/)];
  const type = named.find((word) => COMPARED.has(word));
  if (type === undefined) return undefined;
  const compared = `a \`${type}\` is compared ${COMPARED.get(type)}`;
  const isText = /\bString\b/.test(message);
  return isText
    ? `${compared}; an argument is one when its schema says \`x-cedar-type: ${type}\`, else it is text`
    : compared;
}
