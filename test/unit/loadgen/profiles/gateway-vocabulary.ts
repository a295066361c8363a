// The attributes that each gateway writes, by family. Bifrost: schemas of its core and its otel plugin. LiteLLM: the mappers and
// the baggage of its otel package; the older integration. TensorZero: its instrumented functions, and what
// tracing-opentelemetry adds to every span.
const words = (text: string): readonly string[] => text.trim().split(/\s+/);
const under = (prefix: string, text: string): readonly string[] => words(text).map((word) => `${prefix}.${word}`);

const usage = 'input_tokens output_tokens total_tokens';

export const gatewayVocabulary: Readonly<Record<string, readonly string[]>> = {
  bifrost: [
    ...under('http', 'method url user_agent status_code response.status_code request.header.x-request-tag'),
    ...under('gen_ai', 'request_id operation.name provider.name error error.code'),
    ...under('gen_ai.request', 'model max_tokens temperature message_count'),
    ...under('gen_ai.response', 'id model object system_fingerprint created service_tier finish_reasons'),
    ...under('gen_ai.usage', `${usage} cost`),
    ...under('bifrost', 'request.id provider.name retries fallback_index error.type'),
    ...under('bifrost', 'virtual_key.id virtual_key.name selected_key.id selected_key.name'),
    ...under('bifrost', 'routing_rule.id team.id team.name'),
    ...words('request.type retry.count fallback.index error error.type tenant environment x-bf-session-id'),
  ],
  litellm: [
    ...under('http', 'scheme host flavor target url method server_name user_agent route status_code'),
    ...words('net.host.port net.peer.ip net.peer.port'),
    ...words('error.type error.message exception.type exception.message'),
    ...words('db.system.name db.system db.operation.name db.namespace server.address server.port'),
    ...under('gen_ai', 'operation.name provider.name conversation.id'),
    ...under('gen_ai.request', 'model temperature max_tokens'),
    ...under('gen_ai.response', 'model id finish_reasons time_to_first_chunk'),
    ...under('gen_ai.usage', 'input_tokens output_tokens cache_read.input_tokens'),
    ...under('litellm', 'call_id call_type provider.model cost.total cost.input cost.output'),
    ...under('litellm', 'request.streaming request.route service.name service.call_type'),
    ...under('litellm', 'team.id team.alias api_key.hash provider.error.code provider.error.llm_provider'),
    ...under('litellm.guardrail', 'name mode status provider masked_entity_count duration'),
    ...under('litellm.metadata', 'user_api_key_org_id user_api_key_user_id user_api_key_alias requester_ip_address'),
  ],
  classic: [
    ...words('http.method http.route call_type service event_metadata model_group hidden_params exception'),
    ...under('metadata', 'spend_logs_metadata requester_ip_address requester_metadata applied_guardrails'),
    ...under('metadata', 'user_api_key_hash user_api_key_alias user_api_key_spend user_api_key_max_budget'),
    ...under('metadata', 'user_api_key_org_id user_api_key_user_id user_api_key_team_id user_api_key_team_alias'),
    ...under('metadata', 'user_api_key_user_email user_api_key_end_user_id user_api_key_request_route'),
    ...words('gen_ai.system llm.request.type llm.is_streaming gen_ai.cost.input_cost gen_ai.cost.output_cost'),
    ...words('gen_ai.request.model gen_ai.request.max_tokens gen_ai.response.id gen_ai.response.model'),
    ...under('gen_ai.usage', usage),
  ],
  tensorzero: [
    ...words('code.file.path code.module.name code.line.number thread.id thread.name level target busy_ns idle_ns'),
    ...words('http.request.method http.route http.response.status_code url.path url.scheme span.type'),
    ...words('network.protocol.version server.address client.address user_agent.original'),
    ...words('key.public_id key.organization key.workspace scope_info.tags.user_id scope_info.api_key_public_id'),
    ...words('function_name variant_name model_name provider_name inference_id episode_id tags.user_id stream'),
    ...words('estimated_usage.tokens estimated_usage.model_inferences'),
    ...words('actual_usage.tokens actual_usage.model_inferences underestimate'),
    ...words('gen_ai.operation.name gen_ai.system gen_ai.request.model'),
    ...under('gen_ai.usage', usage),
  ],
};
