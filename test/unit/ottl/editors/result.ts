/** What became of a case. */
export interface Result {
  /** What it looks at, as text (src/ottl/show.ts). */
  readonly gives: string;
  /** One of the statements failed at the span. */
  readonly fails?: true;
}
