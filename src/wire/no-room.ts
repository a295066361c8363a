/**
 * The memory or the table of a stage has no room for an edit. What was to be edited is as it was: who can do without that edit may
 * go on; else the request is refused.
 */
export class NoRoomError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NoRoomError';
  }
}
