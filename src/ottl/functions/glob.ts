// Globs as the Collector's library reads them, as patterns of RE2: * and ** any characters, ? one, [abc] [a-c] [!abc],
// {one,other}, \ before a character that means itself.
import { fault } from '../error.ts';

/** An RE2 pattern that matches the texts that the glob matches as a whole. Throws OttlFault. */
export function globPattern(glob: string): string {
  const characters = [...glob];
  let body = '';
  let depth = 0;
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i];
    if (character === '\\') body += quoted(characters[++i] ?? '');
    else if (character === '*') body += body.endsWith('.*') ? '' : '.*';
    else if (character === '?') body += '.';
    else if (character === '[') {
      const end = classEnd(characters, i + 1);
      body += classPattern(characters.slice(i + 1, end));
      i = end;
    } else if (character === '{') {
      body += '(?:';
      depth++;
    } else if (character === '}' && depth > 0) {
      body += ')';
      depth--;
    } else body += character === ',' && depth > 0 ? '|' : quoted(character);
  }
  if (depth > 0) throw fault('not a glob: a "{" is not closed');
  return `(?s)\\A(?:${body})\\z`;
}

function quoted(character: string): string {
  return character.replace(/[\\^$.|?*+()[\]{}-]/, '\\$&');
}

function classEnd(characters: readonly string[], from: number): number {
  for (let i = from; i < characters.length; i++) {
    if (characters[i] === '\\') i++;
    else if (characters[i] === ']') return i;
  }
  throw fault('not a glob: a "[" is not closed');
}

/** Either one range or single characters, as there. */
function classPattern(content: readonly string[]): string {
  const negated = content[0] === '!';
  const members = negated ? content.slice(1) : content;
  const [first, dash, last] = members;
  const open = negated ? '[^' : '[';
  if (members.length === 0) throw fault('not a glob: the class [] is empty');
  if (dash === '-' && first !== '\\') {
    if (last === undefined || members.length > 3) throw fault('not a glob: a range stands alone in its class: [a-z]');
    if (last < first) throw fault('not a glob: a range ends before it starts');
    return `${open}${quoted(first)}-${quoted(last)}]`;
  }
  let text = '';
  for (let i = 0; i < members.length; i++) text += quoted(members[i] === '\\' ? (members[++i] ?? '') : members[i]);
  return `${open}${text}]`;
}
