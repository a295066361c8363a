// Colours of the terminal, or none.
import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];

export type Paint = (style: Style, text: string) => string;

/**
 * Colours only on a terminal, and only where neither NO_COLOR (any text but the empty one, as no-color.org says) nor
 * TERM=dumb forbids them.
 */
export function painter(isTTY: boolean, environment: NodeJS.ProcessEnv = process.env): Paint {
  const forbidden = (environment.NO_COLOR ?? '') !== '' || environment.TERM === 'dumb';
  if (!isTTY || forbidden) return (_, text) => text;
  return (style, text) => styleText(style, text, { validateStream: false });
}
