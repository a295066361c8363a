// The sockets on which a running configuration listens, as it hands them to the next one: a component that ends, or that is
// replaced, leaves its socket to the one that comes to the same address, whatever that one is, so that no connection is
// refused in between.

/** Of one component. src/transport knows what is bound. */
export interface ListeningSockets {
  /** Of all components, by address. */
  readonly bound: Map<string, object>;
  /** Of the component: a free port that the system chose is for its own successors alone. */
  readonly id: string;
  /** Whether the component that has this, and listens, leaves its socket to this one. */
  mayFollow(other: object): boolean;
}
