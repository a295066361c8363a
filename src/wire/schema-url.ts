// The schema URL of a resource or scope. It stands in the message that holds resource or scope and what belongs to them.
import type { MessageView } from './message-view.ts';
import { resourceSpansField } from './schema.ts';

/** The same in scope spans. */
export const schemaUrlField = resourceSpansField.schemaUrl;

export class SchemaUrl {
  #holder: MessageView | null = null;
  /** What it was set to; null: it is as it came. Kept apart from the holder, whose edits do not outlast a span. */
  edited: string | null = null;

  /** A new container is shown. */
  load(holder: MessageView): void {
    this.#holder = holder;
    this.edited = null;
  }
  get text(): string {
    return this.edited ?? this.#holder?.text(schemaUrlField) ?? '';
  }
}
