import type { Json } from '#writ/contracts';
import { llmCost } from './llm-cost.js';

const cost = (answer: Json, provider = 'openai', prices = {}) =>
  llmCost(answer, { provider, modelFrom: '/model', usageFrom: '/usage' }, prices);

const CHAT = {
  model: 'gpt-5.1',
  usage: { prompt_tokens: 1000, completion_tokens: 100, prompt_tokens_details: { cached_tokens: 500 } },
};
const MESSAGE = {
  model: 'claude-sonnet-5',
  usage: { input_tokens: 500, output_tokens: 100, cache_read_input_tokens: 400, cache_creation_input_tokens: 100 },
};

describe('llmCost', () => {
  it('reads the usage of OpenAI, whose cached tokens are among those that went in', () => {
    expect(cost(CHAT)).toEqual({
      provider: 'openai',
      model: 'gpt-5.1',
      in: 1000,
      out: 100,
      cached: 500,
      usd_micro: 1688,
    });
    const responses = { input_tokens: 10, output_tokens: 2, input_tokens_details: { cached_tokens: 4 } };
    expect(cost({ model: 'gpt-5.1', usage: responses })).toMatchObject({ in: 10, out: 2, cached: 4 });
  });

  it('reads the usage of Anthropic, whose cached tokens stand beside those that went in', () => {
    const { usd_micro: money, ...tokens } = cost(MESSAGE, 'anthropic');
    expect(tokens).toEqual({ provider: 'anthropic', model: 'claude-sonnet-5', in: 1000, out: 100, cached: 400 });
    expect(money).toBe(2_330);
  });

  it('counts the prices of the configuration before those of the table', () => {
    const prices = { 'openai/gpt-5.1': { input: 2, output: 0.5, cached: 1 }, 'local/any': { input: 0.001, output: 0 } };
    expect(cost(CHAT, 'openai', prices).usd_micro).toBe(500 * 2 + 500 + 50);
    // Less than a millionth is not nothing.
    expect(cost({ ...CHAT, model: 'any' }, 'local', prices).usd_micro).toBe(1);
  });

  it.each<[string, Json, string]>([
    ['a model that nobody knows', { ...CHAT, model: 'made-up-1' }, 'openai'],
    ['a provider that nobody knows', CHAT, 'nobody'],
    ['no model', { usage: CHAT.usage }, 'openai'],
    ['a model that is no name', { ...CHAT, model: 'a\nb' }, 'openai'],
  ])('has tokens and no money for %s: null, never zero', (_case, answer, provider) => {
    expect(cost(answer, provider)).toMatchObject({ in: 1000, out: 100, usd_micro: null });
  });

  it.each<[string, Json]>([
    ['none', { model: 'gpt-5.1' }],
    ['a text', { model: 'gpt-5.1', usage: '1000' }],
    ['less than nothing', { model: 'gpt-5.1', usage: { prompt_tokens: -5, completion_tokens: 1 } }],
    ['a half', { model: 'gpt-5.1', usage: { prompt_tokens: 0.5, completion_tokens: 1 } }],
    ['more than can be', { model: 'gpt-5.1', usage: { prompt_tokens: 1e12, completion_tokens: 1 } }],
    [
      'more cached than given',
      { model: 'gpt-5.1', usage: { ...CHAT.usage, prompt_tokens_details: { cached_tokens: 1001 } } },
    ],
  ])('has neither tokens nor money for a usage that is %s', (_case, answer) => {
    expect(cost(answer)).toEqual({ provider: 'openai', model: 'gpt-5.1', usd_micro: null });
  });

  it('finds what stands deeper, in a list too', () => {
    const declaration = { provider: 'openai', modelFrom: '/a~1b/0/m', usageFrom: '/u' };
    const answer = { 'a/b': [{ m: 'gpt-5.1' }], u: { prompt_tokens: 1, completion_tokens: 1 } };
    expect(llmCost(answer, declaration, {})).toMatchObject({ model: 'gpt-5.1', in: 1 });
  });
});
