import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EventShape, SpanShape, TraceShape } from '../../../../loadgen/corpus/shape.ts';
import {
  attribute,
  checkTrace,
  corpusOf,
  depthOf,
  drawTraces,
  failedTraces,
  hasFailed,
  nameOf,
  plain,
  serviceOf,
} from './drawn.ts';

const seed = 11;
const traces = drawTraces('retrieval', 1000, seed);
const spans = traces.flatMap((trace) => [...trace.spans]);
const ofSystem = (system: string) => spans.filter((span) => attribute(span, 'db.system') === system);
const keysOf = (of: readonly SpanShape[]) => new Set(of.flatMap((span) => span.attributes.map(([key]) => key)));
const textOf = (span: SpanShape, key: string) => String(attribute(span, key));
const openInference = (span: SpanShape) => attribute(span, 'openinference.span.kind');

/** By what clients' instrumentations write in db.system: their scope, kind, span names and attributes. */
const databases = {
  Qdrant: {
    scope: 'opentelemetry.instrumentation.qdrant',
    kind: 3,
    names: ['qdrant.query_points', 'qdrant.upsert'],
    keys: /^(qdrant\.query_points\.collection_name|db\.vector\.query\.top_k|qdrant\.upsert\.(collection_name|points_count))$/,
  },
  weaviate: {
    scope: 'opentelemetry.instrumentation.weaviate',
    kind: 1,
    names: [
      'db.weaviate.collections.get',
      'db.weaviate.collections.query.get',
      'db.weaviate.collections.query.fetch_objects',
      'db.weaviate.collections.batch.add_object',
    ],
    keys: /^db\.(operation|weaviate\.collections\.(get\.name|query\.fetch_objects\.(limit|filters|return_properties)|batch\.add_object\.(properties|uuid)))$/,
  },
  milvus: {
    scope: 'opentelemetry.instrumentation.milvus',
    kind: 1,
    names: ['milvus.search', 'milvus.hybrid_search', 'milvus.insert'],
    keys: /^db\.(operation|milvus\.(insert|search)\.(collection_name|data_count|filter|limit|output_fields_count|search_params|timeout|anns_field|query_vector_dimension|result_count|annsearch_request|ranker_type))$/,
  },
  lancedb: {
    scope: 'opentelemetry.instrumentation.lancedb',
    kind: 1,
    names: ['lancedb.search', 'lancedb.add'],
    keys: /^db\.(operation|milvus\.search\.filter|milvus\.insert\.data_count)$/,
  },
  chroma: {
    scope: 'opentelemetry.instrumentation.chromadb',
    kind: 1,
    names: ['chroma.query', 'chroma.query.segment._query'],
    keys: /^db\.(operation|chroma\.query\.(embeddings_count|n_results|include|segment\._query\.collection_id))$/,
  },
  Pinecone: {
    scope: 'opentelemetry.instrumentation.pinecone',
    kind: 3,
    names: ['pinecone.query'],
    keys: /^(server\.address|pinecone\.(query\.(top_k|namespace|include_values|include_metadata)|usage\.read_units))$/,
  },
} as const;

describe('the profile retrieval', () => {
  it('draws traces whose parents hold their children', () => {
    for (const trace of traces) checkTrace(trace);
  });

  for (const [system, marks] of Object.entries(databases)) {
    it(`records ${system} as its client's instrumentation does`, () => {
      const found = ofSystem(system);
      assert.ok(found.length >= 20, `${found.length} spans`);
      assert.deepEqual([...new Set(found.map(nameOf))].sort(), [...marks.names].sort());
      for (const span of found) {
        assert.equal(span.scope.name, marks.scope);
        assert.equal(span.kind, marks.kind);
      }
      const others = [...keysOf(found)].filter(
        (key) => !['db.system', 'error.type'].includes(key) && !marks.keys.test(key),
      );
      assert.deepEqual(others, []);
    });
  }

  it('has every database in at least a tenth of the traces that ask one of the four', () => {
    const asked = traces.map(({ spans: of }) => new Set(of.map((span) => attribute(span, 'db.system'))));
    for (const system of ['Qdrant', 'weaviate', 'milvus', 'lancedb']) {
      const share = asked.filter((systems) => systems.has(system)).length / asked.length;
      assert.ok(share > 0.1 && share < 0.5, `${system}: ${share}`);
    }
  });

  it('embeds, searches, reranks, assembles and answers in this order', () => {
    const order = (trace: TraceShape, is: (span: SpanShape) => boolean) => trace.spans.findIndex(is);
    const named = (pattern: RegExp) => (span: SpanShape) => pattern.test(nameOf(span));
    const asking = traces.filter(({ spans: [root] }) => root !== undefined && nameOf(root) === 'POST /ask');
    assert.ok(asking.length > 800);
    let reranked = 0;
    let answered = 0;
    for (const trace of asking) {
      const embed = order(trace, named(/embed/i));
      const search = order(trace, named(/^(qdrant|milvus|lancedb|chroma|pinecone)\.|weaviate.*query/));
      const rerank = order(trace, named(/^(cohere\.rerank|rerank|SentenceTransformerRerank)/));
      const chat = order(trace, named(/chat|^Chat(OpenAI|Anthropic|MistralAI)$/));
      assert.ok(embed >= 0);
      if (trace.spans.some(hasFailed)) continue;
      answered += 1;
      assert.ok(embed < search && search < chat, trace.spans.map(nameOf).join(' '));
      if (rerank < 0) continue;
      reranked += 1;
      assert.ok(search < rerank && rerank < chat);
    }
    assert.ok(reranked / answered > 0.4, `${reranked} of ${answered} are reranked`);
  });

  it('finds and reranks the same passages, of 200 bytes to 4 KB, and puts them into the prompt', () => {
    let compared = 0;
    const sizes: number[] = [];
    for (const { spans: of } of traces) {
      const [retriever] = of.filter(
        (span) => openInference(span) === 'RETRIEVER' && nameOf(span).startsWith('VectorIndex'),
      );
      const [reranker] = of.filter((span) => openInference(span) === 'RERANKER');
      const [model] = of.filter((span) => openInference(span) === 'LLM');
      if (retriever === undefined || reranker === undefined || model === undefined) continue;
      compared += 1;
      const found = [0, 1, 2, 3, 4].map((i) => textOf(retriever, `retrieval.documents.${i}.document.content`));
      assert.deepEqual(
        [0, 1, 2, 3, 4].map((i) => textOf(reranker, `reranker.input_documents.${i}.document.content`)),
        found,
      );
      for (const i of [0, 1, 2]) {
        const kept = textOf(reranker, `reranker.output_documents.${i}.document.content`);
        assert.ok(found.includes(kept));
        assert.ok(textOf(model, 'llm.input_messages.1.message.content').includes(kept));
      }
      const scores = [0, 1, 2, 3, 4].map((i) => attribute(retriever, `retrieval.documents.${i}.document.score`));
      const numbers = scores.map((score) =>
        typeof score === 'object' && score !== null && 'double' in score ? Number(score.double) : Number.NaN,
      );
      assert.deepEqual(
        numbers,
        [...numbers].sort((a, b) => b - a),
      );
      sizes.push(...found.map((text) => Buffer.byteLength(text)));
    }
    assert.ok(compared > 100);
    assert.ok(
      sizes.every((size) => size >= 200 && size <= 4000),
      `${Math.min(...sizes)} to ${Math.max(...sizes)}`,
    );
    const median = sizes.sort((a, b) => a - b)[sizes.length >> 1] ?? 0;
    assert.ok(median > 600 && median < 1200, `median ${median}`);
  });

  it('has spans of every kind of OpenInference and Traceloop that retrieval knows', () => {
    const kinds = new Set(spans.map(openInference));
    for (const kind of ['CHAIN', 'RETRIEVER', 'RERANKER', 'EMBEDDING', 'LLM']) assert.ok(kinds.has(kind), kind);
    const traceloop = new Set(spans.map((span) => attribute(span, 'traceloop.span.kind')));
    for (const kind of ['workflow', 'task']) assert.ok(traceloop.has(kind), kind);
    const operations = new Set(spans.map((span) => attribute(span, 'gen_ai.operation.name')));
    for (const operation of ['embeddings', 'retrieval', 'chat', 'invoke_workflow'])
      assert.ok(operations.has(operation), operation);
  });

  it('writes vectors now and then: as text of about 30 KB, as events and as lists', () => {
    const filters = ofSystem('lancedb')
      .map((span) => attribute(span, 'db.milvus.search.filter'))
      .filter((one) => one !== undefined);
    const vectors = filters.filter((one) => Array.isArray(safeJson(one)));
    assert.ok(vectors.length / filters.length > 0.15 && vectors.length / filters.length < 0.45);
    for (const vector of vectors) {
      assert.equal((safeJson(vector) as unknown[]).length, 2048);
      assert.ok(String(vector).length > 25_000 && String(vector).length < 45_000, `${String(vector).length} bytes`);
    }
    const events = ofSystem('chroma').flatMap((span): readonly EventShape[] => span.events);
    assert.ok(events.some(({ name }) => name === 'db.query.embeddings'));
    const lists = spans
      .map((span) => attribute(span, 'embedding.embeddings.0.embedding.vector'))
      .filter((one) => one !== undefined);
    const open = lists.filter((one) => Array.isArray(one) && one.length === 1536);
    assert.ok(open.length > 0 && open.length < lists.length / 2);
    assert.equal(lists.filter((one) => one === '__REDACTED__').length, lists.length - open.length);
  });

  it('gives each hit of Milvus an event', () => {
    for (const span of ofSystem('milvus')) {
      const hits = span.events.filter(({ name }) => name === 'db.search.result');
      if (!nameOf(span).includes('search') || hasFailed(span)) assert.equal(hits.length, 0);
      else assert.equal(hits.length, attribute(span, 'db.milvus.search.result_count'));
      for (const { attributes } of hits) {
        assert.deepEqual(
          attributes.map(([key]) => key),
          ['db.search.query.id', 'db.search.result.id', 'db.search.result.distance', 'db.search.result.entity'],
        );
      }
    }
  });

  it('names a model, its provider and what answered together', () => {
    const pairs = new Set<string>();
    for (const span of spans) {
      const asked = attribute(span, 'gen_ai.request.model');
      const answered = attribute(span, 'gen_ai.response.model');
      if (attribute(span, 'gen_ai.operation.name') !== 'chat' || answered === undefined) continue;
      pairs.add(`${String(attribute(span, 'gen_ai.provider.name'))} ${String(asked)} ${String(answered)}`);
    }
    assert.equal(pairs.size, 4, [...pairs].join('\n'));
    for (const pair of pairs) {
      const [provider = '', asked = ''] = pair.split(' ');
      assert.equal(
        provider,
        asked.startsWith('gpt') ? 'openai' : asked.startsWith('claude') ? 'anthropic' : 'mistral_ai',
      );
    }
  });

  it('has messages that are JSON, and as many tokens as their text has', () => {
    let checked = 0;
    for (const span of spans) {
      for (const [key, value] of span.attributes) {
        if (!/\.messages$|invocation_parameters$|document\.metadata$|retrieval\.documents$/.test(key)) continue;
        assert.ok(Array.isArray(safeJson(plain(value))) || typeof safeJson(plain(value)) === 'object', `${key}`);
        checked += 1;
      }
      const messages = attribute(span, 'gen_ai.input.messages');
      if (messages !== undefined) {
        assert.equal(attribute(span, 'gen_ai.usage.input_tokens'), Math.ceil(String(messages).length / 4));
      }
    }
    assert.ok(checked > 500);
  });

  it('fails now and then, mends some of it by asking again, and says so up to the root', () => {
    const share = failedTraces(traces);
    assert.ok(share > 0.01 && share < 0.08, `${share} of the traces`);
    const roots = traces.map(({ spans: [root] }) => root).filter((root) => root !== undefined);
    const failedRoots = roots.filter(hasFailed);
    assert.ok(failedRoots.length > 0 && failedRoots.length < share * traces.length);
    for (const root of failedRoots) {
      if (nameOf(root) === 'POST /ask') assert.equal(attribute(root, 'http.response.status_code'), 500);
    }
    const refused = spans.filter((span) => hasFailed(span) && nameOf(span) === 'openai.embeddings');
    assert.ok(refused.every(({ events }) => events.some(({ name }) => name === 'exception')));
  });

  it('comes from six applications and a reranker, six levels deep and more', () => {
    const services = new Set(spans.map(serviceOf));
    assert.deepEqual([...services].sort(), [
      'assistant',
      'code-search',
      'docs-search',
      'ingest',
      'reranker',
      'shelf-search',
      'support-bot',
    ]);
    assert.ok(Math.max(...traces.map(depthOf)) >= 6);
    const together = traces.filter(({ spans: of }) => new Set(of.map(serviceOf)).size > 1);
    assert.ok(together.length > 100, 'the assistant calls the reranker');
  });

  it('makes requests of one program each, with 1 to 6 KB a span', () => {
    const corpus = corpusOf('retrieval', seed);
    const bytes = corpus.bytes.length / corpus.spans;
    assert.ok(bytes >= 1000 && bytes <= 6000, `${bytes} bytes a span`);
    assert.ok(corpus.requests.every((request) => request.spans <= 512 && request.end - request.start <= 3 * 2 ** 20));
  });
});

function safeJson(value: unknown): unknown {
  if (typeof value !== 'string') return undefined;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
