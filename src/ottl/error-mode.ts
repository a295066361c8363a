/** What becomes of a rule's fault. ignore: log it and go on | silent: go on | propagate: refuse the request */
export const errorModes = ['ignore', 'silent', 'propagate'] as const;
export type ErrorMode = (typeof errorModes)[number];
