// What files of the Collector say of OTLP and of identity, as they are found in its documents and in public: each runs as it is, or
// is refused at its place with a sentence that says what to do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ReadResult, readConfig } from '../../src/config/read-config.ts';
import { registry } from '../../src/registry.ts';

const read = (text: string): ReadResult =>
  readConfig({ files: ['file.yaml'], sets: [], env: {}, readFile: () => text, registry, cores: 2 });

const indented = (text: string, by: number): string => text.trim().replace(/^(?=.)/gm, ' '.repeat(by));

/** A whole file around the protocols of the receiver, from its line 4 and column 7 on. */
const withProtocols = (yaml: string, extensions = ''): string =>
  `receivers:\n  otlp:\n    protocols:\n${indented(yaml, 6)}\nexporters: { nop: }\n${services(extensions)}`;

/** As withProtocols, around the settings of an exporter: line 3, column 5. */
const withExporter = (type: string, yaml: string, extensions = ''): string =>
  `exporters:\n  ${type}:\n${indented(yaml, 4)}\nreceivers: { otlp: { protocols: { grpc: } } }\n${services(extensions, type)}`;

const services = (extensions: string, exporter = 'nop'): string => {
  const ids = [...extensions.matchAll(/^(\S+):/gm)].map(([, id]) => id);
  const section = extensions === '' ? '' : `extensions:\n${indented(extensions, 2)}\n`;
  return `${section}service:\n  extensions: [${ids.join(', ')}]\n  pipelines: { traces: { receivers: [otlp], exporters: [${exporter}] } }\n`;
};

const basic = 'basicauth/out:\n  client_auth:\n    username: "123"\n    password_file: /etc/key';
const bearer = 'bearertokenauth:\n  filename: /etc/tokens';

const receivers: Readonly<Record<string, string>> = {
  'both protocols with nothing behind them': 'grpc:\nhttp:',
  'braces instead of nothing': 'grpc: {}\nhttp: {}',
  'every address, IPv6 with a zone': 'grpc:\n  endpoint: "[fe80::1%eth0]:4317"\nhttp:\n  endpoint: "[::]:4318"',
  'tls with comments alone in it':
    'grpc:\n  tls:\n#    cert_file: /etc/server.pem\n#    key_file: /etc/server.key\nhttp:\n  tls:\n#    cert_file: /etc/server.pem',
  'blocks that are switched off': `
grpc:
  enabled: true
  tls: { enabled: false, cert_file: "", key_file: "" }
  auth: { enabled: false, authenticator: bearertokenauth }
  keepalive:
    enabled: true
    server_parameters: { max_connection_idle: 15s, max_connection_age: 30s, max_connection_age_grace: 5s }
    enforcement_policy: { enabled: false, min_time: 10s }
http:
  enabled: false
  endpoint: 0.0.0.0:4318
  cors: { enabled: true, allowed_origins: ["*"], max_age: 7200 }`,
  'a file with every setting of a server': `
grpc:
  endpoint: localhost:4317
  transport: tcp
  dialer: { timeout: 5s }
  max_recv_msg_size_mib: 64
  max_concurrent_streams: 100
  read_buffer_size: 524288
  write_buffer_size: 524288
  include_metadata: true
  middlewares: []
  tls:
    cert_file: /etc/server.crt
    key_file: /etc/server.key
    client_ca_file: /etc/ca.crt
    client_ca_file_reload: true
    reload_interval: 10s
    min_version: "1.2"
    max_version: "1.3"
    cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]
    curve_preferences: [X25519, P256]
    include_system_ca_certs_pool: true
    tpm: { enabled: false, path: /dev/tpmrm0 }
http:
  endpoint: localhost:4318
  dialer: { timeout: 5s }
  traces_url_path: /otlp/v1/traces
  metrics_url_path: v1/metrics
  logs_url_path: /v1/logs
  max_request_body_size: 67108864
  include_metadata: true
  response_headers: { Strict-Transport-Security: max-age=63072000 }
  compression_algorithms: ["", gzip, zstd, zlib, deflate]
  read_timeout: 30s
  read_header_timeout: 10s
  write_timeout: 30s
  idle_timeout: 1m
  keep_alives_enabled: true
  middlewares: []
  cors:
    allowed_origins: [https://*.example.com, http://localhost:*]
    allowed_headers: ["*"]
    exposed_headers: [X-Trace-Id]
    max_age: 7200`,
  'lists as one text, headers as a list': `
http:
  compression_algorithms: gzip
  response_headers:
    - { name: X-Frame-Options, value: deny }
  cors:
    allowed_origins: https://a.example,https://b.example
    allowed_headers: x-a,x-b`,
  'a unix socket':
    'grpc:\n  endpoint: /run/otel.sock\n  transport: unix\nhttp:\n  endpoint: "@otel"\n  transport: unix',
};

for (const [title, yaml] of Object.entries(receivers)) {
  test(`a receiver runs as it is: ${title}`, () => {
    const { config, errors } = read(withProtocols(yaml));
    assert.ok(config !== null, JSON.stringify(errors));
  });
}

test('what is switched off is as if it were not there', () => {
  const protocols = (yaml: string): string => JSON.stringify(read(withProtocols(yaml)).config?.receivers[0].config);
  const on = protocols('grpc:');
  assert.equal(
    protocols('grpc:\n  tls: { enabled: false }\n  keepalive:\n    enforcement_policy: { enabled: true }'),
    on,
  );
  assert.equal(protocols('grpc:\nhttp: { enabled: false }'), on);
  assert.equal(read(withProtocols('grpc: { enabled: false }')).errors[0].code, 'CONFIG_MISSING');
});

test('headers mean the same as a map and as a list, one text with commas the same as a list', () => {
  const settings = (yaml: string): unknown => read(withExporter('otlp_http', yaml)).config?.exporters[0].config;
  const endpoint = 'endpoint: http://b:4318\n';
  assert.deepEqual(
    settings(`${endpoint}headers:\n  - { name: a, value: b }\n  - name: c\n    value: ""`),
    settings(`${endpoint}headers: { a: b, c: "" }`),
  );
  const http = (yaml: string): unknown =>
    read(withProtocols(`http:\n${indented(yaml, 2)}`)).config?.receivers[0].config;
  assert.deepEqual(http('cors: { allowed_origins: "a,b" }'), http('cors: { allowed_origins: [a, b] }'));
});

const exporters: Readonly<Record<string, readonly [type: string, yaml: string, extensions?: string]>> = {
  'a backend in the cluster': ['otlp', 'endpoint: tempo.monitoring.svc:4317\ntls: { insecure: true }'],
  'the other name': ['otlp_grpc', 'endpoint: https://otlp.example.com:4317'],
  'the address as it stands': ['otlp', 'endpoint: passthrough:///backend:4317\ntls: { insecure: true }'],
  'a resolver and a balancer': ['otlp', 'endpoint: dns:///backend:4317\nbalancer_name: round_robin'],
  'headers as a list': ['otlp', 'endpoint: b:4317\nheaders:\n  - name: x-tenant\n    value: a'],
  'a file with every setting of a gRPC client': [
    'otlp',
    `
endpoint: backend:4317
compression: zstd
timeout: 10s
wait_for_ready: true
read_buffer_size: 123
write_buffer_size: 345
user_agent: us
authority: backend.example
headers: { another: somevalue }
keepalive: { time: 20s, timeout: 30s, permit_without_stream: true }
auth: { enabled: true, authenticator: basicauth/out }
middlewares: []
tls: { ca_file: /etc/ca.crt, cert_file: /etc/a.crt, key_file: /etc/a.key, server_name_override: b, insecure_skip_verify: true }
sending_queue: { enabled: true, num_consumers: 2, queue_size: 10, batch: { enabled: false } }
retry_on_failure: { enabled: true, initial_interval: 10s, max_interval: 60s, max_elapsed_time: 10m, multiplier: 1.3 }`,
    basic,
  ],
  'pings that are switched off': ['otlp', 'endpoint: b:4317\nkeepalive: { enabled: false, time: 1s }'],
  'a hosted backend with basic credentials': [
    'otlphttp/grafana_cloud',
    'endpoint: https://otlp-gateway.example.net/otlp\nauth: { authenticator: basicauth/out }',
    basic,
  ],
  'a hosted backend with a key': [
    'otlphttp',
    'traces_endpoint: https://api.example.com/api/public/otel/v1/traces\nheaders: { x-tenant: a }\ncompression: none',
  ],
  'a file with every setting of an HTTP client': [
    'otlp_http',
    `
endpoint: https://1.2.3.4:1234
traces_endpoint: https://1.2.3.4:1234/v1/traces
metrics_endpoint: https://1.2.3.4:1234/v1/metrics
logs_endpoint: https://1.2.3.4:1234/v1/logs
profiles_endpoint: https://1.2.3.4:1234/v1development/profiles
encoding: json
proxy_url: http://proxy:3128
read_buffer_size: 123
write_buffer_size: 345
timeout: 10s
compression: zstd
compression_params: { level: 5 }
max_idle_conns: 50
max_idle_conns_per_host: 40
max_conns_per_host: 30
idle_conn_timeout: 120s
disable_keep_alives: false
http2_read_idle_timeout: 10s
http2_ping_timeout: 10s
force_attempt_http2: false
cookies: { enabled: true }
middlewares: []
tls: { ca_pem: "", insecure_skip_verify: true, include_system_ca_certs_pool: true, min_version: "1.3" }`,
  ],
  'a chain of headers': [
    'otlphttp',
    'endpoint: https://b\nauth: { authenticator: headers_setter }',
    `headers_setter:
  additional_auth: bearertokenauth
  headers:
    - { action: insert, key: X-Scope-OrgID, from_context: tenant_id, default_value: shared }
    - { action: upsert, key: User-ID, value: user_id }
    - { action: update, key: x-key, value_file: /etc/key }
    - { action: delete, key: Some-Header }
bearertokenauth:
  scheme: Token
  header: X-Auth
  tokens: ["\${env:A:-a}", "\${env:B:-b}"]`,
  ],
};

for (const [title, [type, yaml, extensions]] of Object.entries(exporters)) {
  test(`an exporter runs as it is: ${title}`, () => {
    const { config, errors } = read(withExporter(type, yaml, extensions));
    assert.ok(config !== null, JSON.stringify(errors));
  });
}

test('a server with credentials runs as it is', () => {
  const users = 'basicauth/in:\n  htpasswd:\n    file: /etc/htpasswd\n    inline: |\n      $${U}:$${P}';
  const yaml = `grpc:\n  auth: { authenticator: bearertokenauth }\nhttp:\n  auth: { authenticator: basicauth/in, request_params: [key] }`;
  assert.ok(read(withProtocols(yaml, `${bearer}\n${users}`)).config !== null);
});

/** File, what is said of it: place, code, sentence. */
const refused: readonly (readonly [text: string, place: string, said: RegExp])[] = [
  [withProtocols('http:\n  transport: udp'), '5:20 CONFIG_VALUE', /one of tcp, tcp4, tcp6, unix/],
  [withProtocols('http:\n  endpoint: unix:///a\n  transport: unix'), '5:19 CONFIG_VALUE', /is not a path/],
  [withProtocols('http:\n  compression_algorithms: [gzip, snappy]'), '5:40 CONFIG_UNSUPPORTED', /there are .*gzip/],
  [withProtocols('http:\n  middlewares: [{ id: a }]'), '5:22 CONFIG_UNSUPPORTED', /remove them.*memory_limiter/],
  [withProtocols('http:\n  tls: {}'), '5:9 CONFIG_MISSING', /needs a certificate: cert_file and key_file/],
  [
    withProtocols('http:\n  tls: { cert_file: a, key_file: b, min_version: "1.0" }'),
    '5:56 CONFIG_UNSUPPORTED',
    /use 1.2/,
  ],
  [
    withProtocols('http:\n  tls: { cert_file: a, key_file: b, tpm: { enabled: true } }'),
    '5:59 CONFIG_UNSUPPORTED',
    /key_file/,
  ],
  [withProtocols('http:\n  auth:'), '5:9 CONFIG_MISSING', /authenticator: is required/],
  [withProtocols('http:\n  response_headers: [{ name: a, value: b }, { name: a }]'), '5:59 CONFIG_CONFLICT', /twice/],
  [withProtocols('http:\n  cors: { enabled: 1 }'), '5:26 CONFIG_TYPE', /true or false/],
  [withExporter('otlp', 'endpoint: b:1\ncompression: snappy'), '4:18 CONFIG_UNSUPPORTED', /use gzip, zstd or none/],
  [withExporter('otlp', 'endpoint: b:1\nheaders: { "a b": c }'), '4:23 CONFIG_VALUE', /not a name/],
  [withExporter('otlp', 'endpoint: b:1\nheaders: { a: "b\\n" }'), '4:19 CONFIG_VALUE', /end of a line/],
  [withExporter('otlp', 'endpoint: b:1\nheaders: { Connection: close }'), '4:28 CONFIG_VALUE', /remove it/],
  [withExporter('otlp', 'endpoint: backend'), '3:15 CONFIG_VALUE', /names no port, such as 4317/],
  [withExporter('otlp', 'endpoint: dns:///backend'), '3:15 CONFIG_VALUE', /names no port/],
  [withProtocols('http:\n  traces_url_path: http://a/b'), '5:26 CONFIG_VALUE', /not a path such as/],
  [withExporter('otlp', 'endpoint: xds:///b:1'), '3:15 CONFIG_VALUE', /host:4317/],
  [withExporter('otlp_http', 'endpoint: b:4318'), '3:15 CONFIG_VALUE', /http:\/\/backend:4318/],
  [withExporter('otlp_http', 'endpoint: http://b\nproxy_url: socks5://p:1'), '4:16 CONFIG_VALUE', /http:\/\/host:port/],
  [withExporter('otlp_http', 'endpoint: http://b\nmiddlewares: [{ id: a }]'), '4:18 CONFIG_UNSUPPORTED', /remove/],
  [
    withExporter('otlp_http', 'endpoint: http://b\nauth: { authenticator: oauth2client }'),
    '4:28 CONFIG_UNDEFINED',
    /oauth2client/,
  ],
];

for (const [text, place, said] of refused) {
  test(`refused at ${place}: ${said.source}`, () => {
    const { errors } = read(text);
    assert.deepEqual(
      errors.map(({ line, column, code }) => `${line}:${column} ${code}`),
      [place],
      JSON.stringify(errors),
    );
    assert.match(errors[0].message, said);
  });
}

test('a scheme that the Collector does not take for plain text is warned of, and a literal secret in a list of headers', () => {
  const { warnings } = read(
    withExporter('otlp', 'endpoint: http://b:4317\nheaders:\n  - { name: authorization, value: Bearer abc }'),
  );
  assert.deepEqual(warnings.map(({ line, code }) => `${line} ${code}`).sort(), [
    '3 CONFIG_CONFLICT',
    '5 CONFIG_SECRET',
  ]);
  assert.ok(!JSON.stringify(warnings).includes('Bearer abc'));
});
