// Runs cases with the official JavaScript clients: reads one JSON object a line, {address, mode,
// case}, and writes what the client saw, one JSON object a line. It judges nothing.

import { createInterface } from 'node:readline';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

const PATIENCE_MS = 60_000;

function clientOf(kind, { address, case: { client = {} } }) {
  return new kind({
    apiKey: client.key ?? 'none',
    baseURL: address + (client.base ?? (kind === OpenAI ? '/v1' : '')),
    maxRetries: client.retries ?? 0,
    timeout: client.timeout_ms ?? PATIENCE_MS,
  });
}

// {"repeat": "a", "times": 3} stands for "aaa": a list of cases has no room for large bodies.
function expanded(value) {
  if (Array.isArray(value)) return value.map(expanded);
  if (value === null || typeof value !== 'object') return value;
  if ('repeat' in value) return value.repeat.repeat(value.times);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, expanded(item)]));
}

const usageOf = (usage) =>
  usage
    ? {
        prompt: usage.prompt_tokens ?? usage.input_tokens,
        completion: usage.completion_tokens ?? usage.output_tokens,
        total: usage.total_tokens,
        reasoning: usage.output_tokens_details?.reasoning_tokens,
      }
    : null;

const chatLogProbs = (logprobs) =>
  (logprobs?.content ?? []).map((token) => ({
    token: token.token,
    logprob: token.logprob,
    bytes: token.bytes,
    top: token.top_logprobs.length,
  }));

const completionLogProbs = (logprobs) =>
  (logprobs?.tokens ?? []).map((token, i) => ({
    token,
    logprob: logprobs.token_logprobs[i],
    top: Object.keys(logprobs.top_logprobs[i]).length,
  }));

function addCall(seen, index, { name, arguments: text }) {
  seen.calls[index] ??= { name, arguments: '' };
  seen.calls[index].arguments += text ?? '';
}

// What both APIs call a choice, whole or in chunks, goes into the same lists.
function addChoice(seen, choice, logProbs) {
  const text = choice.text ?? (choice.message ?? choice.delta).content ?? '';
  seen.texts[choice.index] = (seen.texts[choice.index] ?? '') + text;
  seen.finish[choice.index] = choice.finish_reason ?? seen.finish[choice.index] ?? null;
  seen.logprobs[choice.index] = [...(seen.logprobs[choice.index] ?? []), ...logProbs];
  for (const call of (choice.message ?? choice.delta)?.tool_calls ?? []) {
    addCall(seen, call.index ?? seen.calls.length, call.function);
  }
  seen.role ??= (choice.message ?? choice.delta)?.role;
}

function addChunk(seen, chunk, logProbsOf) {
  for (const [name, value] of [['id', chunk.id], ['model', chunk.model]]) {
    if ((seen[name] ??= value) !== value) throw new Error(`${name} changed within a stream`);
  }
  for (const choice of chunk.choices) addChoice(seen, choice, logProbsOf(choice.logprobs));
  seen.usage = usageOf(chunk.usage) ?? seen.usage;
}

async function generate(job, seen, create, logProbsOf) {
  const request = expanded(job.case.request);
  const { abort, twice, request_id } = job.case.client ?? {};
  const options = request_id ? { headers: { 'x-request-id': request_id } } : {};
  Object.assign(seen, { texts: [], finish: [], logprobs: [], calls: [], usage: null });
  if (job.mode === 'whole') {
    addChunk(seen, await create(request, options), logProbsOf);
    if (twice) {
      const { choices } = await create(request, options);
      seen.again = choices.map((choice) => choice.message.content);
    }
    return;
  }
  const stream = await create({ ...request, stream: true }, options);
  for await (const chunk of stream) {
    addChunk(seen, chunk, logProbsOf);
    if (abort && seen.texts[0]) {
      stream.controller.abort();
      seen.aborted = true;
    }
  }
}

// Clients of events see them by type; a run of one type counts once.
function addEvent(seen, type) {
  if (seen.events.at(-1) !== type) seen.events.push(type);
}

function showResponse(seen, response) {
  const items = (type) => response.output.filter((item) => item.type === type);
  const textOf = (item) => item.content.map((part) => part.text).join('');
  Object.assign(seen, {
    id: response.id,
    model: response.model,
    role: items('message')[0]?.role,
    texts: items('message').map(textOf),
    reasoning: items('reasoning').map(textOf).join(''),
    calls: items('function_call').map((call) => ({ name: call.name, arguments: call.arguments })),
    status: response.status,
    incomplete: response.incomplete_details?.reason ?? null,
    usage: usageOf(response.usage),
    metadata: response.metadata,
    instructions: response.instructions,
  });
}

async function respond(job, seen) {
  const client = clientOf(OpenAI, job);
  const request = expanded(job.case.request);
  if (job.mode === 'whole') {
    const response = await client.responses.create(request);
    showResponse(seen, response);
    if (response.output_text !== seen.texts.join('')) throw new Error('output_text differs');
    return;
  }
  seen.events = [];
  let [text, count] = ['', 0];
  for await (const event of await client.responses.create({ ...request, stream: true })) {
    addEvent(seen, event.type);
    if (event.sequence_number !== count++) throw new Error('events are not numbered in order');
    if (event.type === 'response.output_text.delta') text += event.delta;
    if (event.response) showResponse(seen, event.response);
  }
  if (text !== seen.texts.join('')) throw new Error('the deltas are not the text');
}

function showMessage(seen, message) {
  const blocks = (type) => message.content.filter((block) => block.type === type);
  Object.assign(seen, {
    id: message.id,
    model: message.model,
    role: message.role,
    texts: blocks('text').map((block) => block.text),
    reasoning: blocks('thinking')
      .map((block) => block.thinking)
      .join(''),
    calls: blocks('tool_use').map((block) => ({ name: block.name, arguments: block.input })),
    finish: [message.stop_reason],
    stop_sequence: message.stop_sequence,
    usage: usageOf(message.usage),
  });
}

async function message(job, seen) {
  const client = clientOf(Anthropic, job);
  const request = expanded(job.case.request);
  if (job.mode === 'whole') {
    showMessage(seen, await client.messages.create(request));
    return;
  }
  seen.events = [];
  const stream = client.messages.stream(request);
  for await (const event of stream) {
    addEvent(seen, event.type);
    if (job.case.client?.abort && event.type === 'content_block_delta') {
      seen.aborted = true;
      break;
    }
  }
  if (!seen.aborted) showMessage(seen, await stream.finalMessage());
}

const calls = {
  chat: (job, seen) => {
    const api = clientOf(OpenAI, job).chat.completions;
    return generate(job, seen, api.create.bind(api), chatLogProbs);
  },
  completions: (job, seen) => {
    const api = clientOf(OpenAI, job).completions;
    return generate(job, seen, api.create.bind(api), completionLogProbs);
  },
  models: async (job, seen) => {
    seen.models = [];
    for await (const model of clientOf(OpenAI, job).models.list()) seen.models.push(model.id);
  },
  model: async (job, seen) => {
    seen.models = [(await clientOf(OpenAI, job).models.retrieve(job.case.request.model)).id];
  },
  embeddings: async (job, seen) => {
    const answer = await clientOf(OpenAI, job).embeddings.create(job.case.request);
    const [first] = answer.data;
    seen.count = answer.data.length;
    seen.dimensions = first.embedding.length;
    seen.length = Math.hypot(...first.embedding);
    seen.usage = { prompt: answer.usage.prompt_tokens };
  },
  responses: respond,
  messages: message,
  count_tokens: async (job, seen) => {
    const count = await clientOf(Anthropic, job).messages.countTokens(job.case.request);
    seen.tokens = count.input_tokens;
  },
};

function errorOf(error) {
  const header = (name) => error.headers?.get?.(name) ?? null;
  return {
    class: error.constructor.name,
    status: error.status ?? null,
    code: error.code ?? null,
    type: error.type ?? null,
    param: error.param ?? null,
    message: error.message,
    request_id: error.requestID ?? null,
    retry_after: header('retry-after'),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  const seen = {};
  try {
    await calls[job.case.call](job, seen);
  } catch (error) {
    seen.error = errorOf(error);
  }
  process.stdout.write(JSON.stringify(seen) + '\n');
}
