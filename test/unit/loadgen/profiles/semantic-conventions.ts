// Names of the OpenTelemetry semantic conventions 1.45 (registry of attributes, those not deprecated), by their first part; of
// the namespaces that microservices use.
const names: Readonly<Record<string, string>> = {
  client: 'address port service.name service.namespace',
  cloud: 'account.id availability_zone platform provider region resource_id',
  code: 'column.number file.path function.name line.number stacktrace',
  db: `
    collection.name namespace operation.batch.size operation.name query.summary query.text response.returned_rows
    response.status_code stored_procedure.name system.name
  `,
  deployment: 'environment.name',
  error: 'type',
  exception: 'message stacktrace type',
  feature_flag: `
    context.id error.message key provider.name result.reason result.value result.variant set.id version
  `,
  graphql: 'document operation.name operation.type',
  http: `
    request.body.content request.body.size request.method request.method_original request.resend_count
    request.size response.body.content response.body.size response.size response.status_code route
  `,
  k8s: `
    cluster.name cluster.uid container.ephemeral_storage.fs_type container.name container.restart_count
    container.status.last_terminated_reason container.status.reason container.status.state daemonset.name
    daemonset.uid deployment.name deployment.uid namespace.name namespace.phase node.condition.status node.condition.type
    node.name node.system_container.name node.uid pod.hostname pod.ip pod.name pod.start_time pod.status.phase
    pod.status.reason pod.uid replicaset.name replicaset.uid statefulset.name statefulset.uid
  `,
  kafka: 'cluster.id message.key message.tombstone offset',
  messaging: `
    batch.message_count client.id consumer.group.name destination.anonymous destination.name
    destination.partition.id destination.subscription.name destination.template destination.temporary
    message.body.size message.conversation_id message.envelope.size message.id operation.name operation.type
    system.name
  `,
  network: `
    local.address local.port peer.address peer.port protocol.name protocol.version transport type
  `,
  rpc: 'method method_original status_code system.name',
  server: 'address port service.name service.namespace',
  service: `
    criticality instance.cost_center.id instance.cost_center.name instance.id name namespace version
  `,
  session: 'id previous_id',
  telemetry: 'distro.name distro.version sdk.language sdk.name sdk.version',
  thread: 'id name',
  url: `
    domain extension fragment full original path port query registered_domain scheme subdomain template
    top_level_domain
  `,
  user: 'email full_name hash id name roles',
  user_agent: 'name original os.name os.version synthetic.type version',
};

/** By namespace: the names in it, without the namespace. */
export const conventions: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(names).map(([namespace, rest]) => [namespace, new Set(rest.trim().split(/\s+/))]),
);

/** Names whose last part is free: `http.request.header.<key>`. */
const templates = ['http.request.header.', 'http.response.header.', 'k8s.pod.label.', 'db.query.parameter.'];

/** Whether a name that stands in a namespace of the conventions is one of theirs; names in others are free. */
export const isConventional = (name: string): boolean => {
  const dot = name.indexOf('.');
  const known = conventions.get(name.slice(0, dot));
  return known === undefined || known.has(name.slice(dot + 1)) || templates.some((start) => name.startsWith(start));
};
