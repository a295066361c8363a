// HTML with every value escaped, unless it is HTML already.

export interface Markup {
  readonly html: string;
}

export type Content = string | number | Markup | null | readonly Content[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and for attribute values in quotes. */
export const escapeText = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]);

function rendered(content: Content): string {
  if (content === null) return '';
  if (typeof content === 'string') return escapeText(content);
  if (typeof content === 'number') return String(content);
  return 'html' in content ? content.html : content.map(rendered).join('');
}

/** Lists are joined, null is nothing. */
export const markup = (parts: TemplateStringsArray, ...values: readonly Content[]): Markup => ({
  html: parts.map((part, i) => (i === 0 ? part : rendered(values[i - 1]) + part)).join(''),
});

/** Only for text that is HTML and our own. */
export const asMarkup = (html: string): Markup => ({ html });

/** JSON that nothing inside can end the script element of. */
export const scriptJson = (value: unknown): Markup =>
  asMarkup(
    JSON.stringify(value).replaceAll('<', '\\u003c').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029'),
  );
