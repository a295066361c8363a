// The attributes of spans and events that each library writes; N stands for a number. AI SDK: the telemetry of its packages, and
// the span of a Next.js route. OpenLLMetry: semconv_ai and the OpenAI instrumentation. MLflow: its tracing constants.
// OpenInference: its conventions, as its processor for OpenAI's agents writes them.
const words = (text: string): readonly string[] => text.trim().split(/\s+/);
const under = (prefix: string, text: string): readonly string[] => words(text).map((word) => `${prefix}.${word}`);

const exception = under('exception', 'type message stacktrace');

export const streamingVocabulary: Readonly<Record<string, readonly string[]>> = {
  'chat-app': [
    ...words('next.span_name next.span_type next.rsc next.route'),
    ...under('http', 'method target status_code route'),
    ...words('operation.name resource.name error.type'),
    ...words('ai.operationId ai.telemetry.functionId ai.telemetry.metadata.userId ai.telemetry.metadata.sessionId'),
    ...words(
      'ai.model.provider ai.model.id ai.settings.maxRetries ai.settings.temperature ai.request.headers.user-agent',
    ),
    ...words('ai.prompt ai.prompt.messages ai.prompt.tools ai.prompt.toolChoice'),
    ...under('ai.response', 'finishReason text toolCalls msToFirstChunk msToFinish avgOutputTokensPerSecond'),
    ...under('ai.response', 'id model timestamp'),
    ...under('ai.usage', 'inputTokens outputTokens totalTokens reasoningTokens cachedInputTokens'),
    ...under('ai.toolCall', 'name id args result'),
    ...words('gen_ai.system gen_ai.request.model gen_ai.request.temperature'),
    ...under('gen_ai.response', 'id model finish_reasons'),
    ...words('gen_ai.usage.input_tokens gen_ai.usage.output_tokens'),
    ...exception,
  ],
  'assistant-api': [
    ...under('gen_ai', 'operation.name provider.name agent.name system_instructions input.messages output.messages'),
    ...under('gen_ai', 'request.model request.temperature response.id response.model response.finish_reasons'),
    ...under('gen_ai.usage', 'input_tokens output_tokens cache_read.input_tokens'),
    ...under('gen_ai.client.operation', 'duration time_to_first_chunk time_per_output_chunk'),
    ...under('gen_ai.tool', 'definitions name call.id type call.arguments call.result'),
    ...words('gen_ai.execute_tool.duration error.type'),
    ...exception,
  ],
  'research-bot': [
    ...under('traceloop', 'workflow.name span.kind entity.name entity.path entity.input entity.output'),
    ...under('traceloop.association.properties', 'user_id session_id'),
    ...words('llm.request.type llm.headers llm.is_streaming llm.usage.total_tokens'),
    ...under('llm.request.functions.N', 'name description parameters'),
    ...words('gen_ai.system gen_ai.openai.api_base gen_ai.prompt.N.role gen_ai.prompt.N.content'),
    ...under('gen_ai.request', 'model max_tokens temperature'),
    ...words('gen_ai.response.model gen_ai.response.id gen_ai.usage.input_tokens gen_ai.usage.output_tokens'),
    ...under('gen_ai.completion.N', 'role content finish_reason'),
    ...under('gen_ai.completion.N.tool_calls.N', 'id name arguments'),
    ...words('error.type exception.escaped'),
    ...exception,
  ],
  unknown_service: [
    ...under('mlflow', 'experimentId traceRequestId spanType spanFunctionName spanInputs spanOutputs'),
    ...under('mlflow', 'message.format llm.model chat.tokenUsage chunk.value'),
    ...words('model stream session.id user.id'),
    ...exception,
  ],
  'support-agents': [
    ...words('openinference.span.kind graph.node.id graph.node.parent_id tool.name'),
    ...words('input.value input.mime_type output.value output.mime_type'),
    ...under('llm', 'system model_name invocation_parameters tools.N.tool.json_schema'),
    ...under('llm.token_count', 'prompt completion total prompt_details.cache_read completion_details.reasoning'),
    ...under('llm.input_messages.N.message', 'role content'),
    ...under('llm.output_messages.N.message', 'role contents.N.message_content.type contents.N.message_content.text'),
    ...under('llm.output_messages.N.message.tool_calls.N.tool_call', 'id function.name function.arguments'),
    ...words('exception.escaped'),
    ...exception,
  ],
};
