// The Collector's basicauth extension: user names and passwords, of clients or for requests that go out.
import { z } from 'zod';
import { credentialMetrics, secretText } from '../../component/auth-fields.ts';
import { defineExtension } from '../../component/define.ts';
import type { ConfigIssue } from '../../component/definition.ts';
import { notBuiltIn } from '../../component/delivery-fields.ts';
import { createBasicAuthClient } from './client.ts';
import { createBasicAuthServer } from './server.ts';

const htpasswd = z
  .strictObject({
    file: z
      .string()
      .prefault('')
      .describe(
        'A password file as htpasswd writes it: bcrypt, SHA, MD5 or crypt-SHA hashes. Watched, and read when it changes.',
      ),
    inline: secretText().prefault('').describe('Lines of such a file; they count before those of the file.'),
  })
  .optional()
  .describe('Users that clients may come as.');

const clientAuth = z
  .strictObject({
    username: z.string().prefault('').describe('Name of the user.'),
    username_file: z.string().prefault('').describe('A file with the name; counts before username. Watched.'),
    password: secretText().prefault('').describe('The password.'),
    password_file: z.string().prefault('').describe('A file with the password; counts before password. Watched.'),
    aws_secrets_manager: notBuiltIn('AWS Secrets Manager is not built in; use password_file').describe('Not built in.'),
  })
  .optional()
  .describe('The user that requests go out as.');

const config = z.strictObject({ htpasswd, client_auth: clientAuth });
type Config = z.output<typeof config>;

function check({ htpasswd: server, client_auth: client }: Config): ConfigIssue[] {
  if (server !== undefined && client !== undefined) {
    const message = 'htpasswd and client_auth cannot stand together; make two extensions';
    return [{ path: ['client_auth'], code: 'CONFIG_CONFLICT', message }];
  }
  if (server !== undefined && server.file === '' && server.inline.isEmpty) {
    return [{ path: ['htpasswd'], code: 'CONFIG_MISSING', message: 'no users: set file or inline' }];
  }
  if (server !== undefined) return [];
  if (client === undefined) {
    return [
      {
        path: [],
        code: 'CONFIG_MISSING',
        message: 'no credentials: set htpasswd for clients, or client_auth for exporters',
      },
    ];
  }
  const issues: ConfigIssue[] = [];
  if (client.username === '' && client.username_file === '') {
    issues.push({ path: ['client_auth'], code: 'CONFIG_MISSING', message: 'no user: set username or username_file' });
  }
  if (client.username.includes(':')) {
    issues.push({
      path: ['client_auth', 'username'],
      code: 'CONFIG_VALUE',
      message: 'a user name cannot have a colon',
    });
  }
  return issues;
}

export const basicauth = defineExtension<Config>({
  kind: 'extension',
  type: 'basicauth',
  aliases: [],
  stability: 'beta',
  summary: 'Lets in clients with a user name and password, or gives them to exporters.',
  config,
  check,
  offers: ({ htpasswd: server }) => [server === undefined ? 'clientAuth' : 'serverAuth'],
  credentialAttributes: ({ htpasswd: server }) => (server === undefined ? [] : ['username', 'raw']),
  create({ htpasswd: server, client_auth: client }, { log }) {
    if (server !== undefined) return createBasicAuthServer({ file: server.file, inline: server.inline, log });
    if (client === undefined) throw new Error('basicauth without htpasswd and client_auth got past its check');
    return createBasicAuthClient({
      username: client.username,
      usernameFile: client.username_file,
      password: client.password,
      passwordFile: client.password_file,
      log,
    });
  },
  examples: [
    { title: 'Clients, by a file of htpasswd', yaml: 'htpasswd:\n  file: /etc/spanmill/htpasswd' },
    {
      title: 'For an exporter, the password from a file',
      yaml: 'client_auth:\n  username: spanmill\n  password_file: /etc/spanmill/password',
    },
  ],
  metrics: credentialMetrics,
});
