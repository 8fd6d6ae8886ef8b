import { llmText } from './llm-text.js';

describe('llmText', () => {
  it('says tokens and money, and of what nobody knows that nobody does', () => {
    const call = { provider: 'openai', model: 'gpt-5.1', in: 1000, out: 100, cached: 500, usd_micro: 1688 };
    expect(llmText(call)).toBe('gpt-5.1, 1000 + 100 tokens, $0.001688');
    expect(llmText({ ...call, usd_micro: null })).toBe('gpt-5.1, 1000 + 100 tokens, price unknown');
    expect(llmText({ provider: 'x', usd_micro: null })).toBe('an unnamed model, tokens unknown, price unknown');
  });
});
