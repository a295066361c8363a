// Cases in which we do otherwise than the Collector, on purpose.
import type { Result } from './result.ts';

interface Difference {
  readonly why: string;
  /** By the titles of the cases. */
  readonly ours: Readonly<Record<string, Result>>;
}

export const differences: readonly Difference[] = [
  {
    why: 'for lists in lists the Collector leaves out a dot: in.11 may be in[1][1] or in[11]',
    ours: {
      'flatten(span.attributes) -> span.attributes': {
        gives:
          '{"b": 0x00ff10, "conflicts.a.b": 2, "conflicts.a.b.0": 3, "conflicts.in.0.0": "p", "conflicts.in.0.1": "q", "conflicts.in.1.0": "r", "conflicts.in.1.1.0": "s", "conflicts.list.0": "z", "conflicts.list.1": "y", "conflicts.list.2.k": 4, "conflicts.maps.0.k": 5, "conflicts.maps.1.k": 6, "d": 2.5, "e": "", "i": 42, "key": "k", "list.0": "a", "list.1": "last", "list.2": 3, "list.3": 1.5, "list.4.z": "last", "m.at": "naïve 日本", "m.deep.k": "natt", "m.deep.list.0": 10, "m.deep.list.1.x": "latest", "m.k": 7, "m.none": nil, "m.z": "last", "none": nil, "s": "hello world", "t": true}',
      },
      'flatten(span.attributes, "p") -> span.attributes': {
        gives:
          '{"p.b": 0x00ff10, "p.conflicts.a.b": 2, "p.conflicts.a.b.0": 3, "p.conflicts.in.0.0": "p", "p.conflicts.in.0.1": "q", "p.conflicts.in.1.0": "r", "p.conflicts.in.1.1.0": "s", "p.conflicts.list.0": "z", "p.conflicts.list.1": "y", "p.conflicts.list.2.k": 4, "p.conflicts.maps.0.k": 5, "p.conflicts.maps.1.k": 6, "p.d": 2.5, "p.e": "", "p.i": 42, "p.key": "k", "p.list.0": "a", "p.list.1": "last", "p.list.2": 3, "p.list.3": 1.5, "p.list.4.z": "last", "p.m.at": "naïve 日本", "p.m.deep.k": "natt", "p.m.deep.list.0": 10, "p.m.deep.list.1.x": "latest", "p.m.k": 7, "p.m.none": nil, "p.m.z": "last", "p.none": nil, "p.s": "hello world", "p.t": true}',
      },
      'flatten(span.attributes, "") -> span.attributes': {
        gives:
          '{"b": 0x00ff10, "conflicts.a.b": 2, "conflicts.a.b.0": 3, "conflicts.in.0.0": "p", "conflicts.in.0.1": "q", "conflicts.in.1.0": "r", "conflicts.in.1.1.0": "s", "conflicts.list.0": "z", "conflicts.list.1": "y", "conflicts.list.2.k": 4, "conflicts.maps.0.k": 5, "conflicts.maps.1.k": 6, "d": 2.5, "e": "", "i": 42, "key": "k", "list.0": "a", "list.1": "last", "list.2": 3, "list.3": 1.5, "list.4.z": "last", "m.at": "naïve 日本", "m.deep.k": "natt", "m.deep.list.0": 10, "m.deep.list.1.x": "latest", "m.k": 7, "m.none": nil, "m.z": "last", "none": nil, "s": "hello world", "t": true}',
      },
      'flatten(span.attributes, resolve_conflicts=true) -> span.attributes': {
        gives:
          '{"b": 0x00ff10, "conflicts.a.b": 1, "conflicts.a.b.0": 2, "conflicts.a.b.0.0": 3, "conflicts.in.0.0": "p", "conflicts.in.0.1": "q", "conflicts.in.1.0": "r", "conflicts.in.1.1.0": "s", "conflicts.list": "x", "conflicts.list.0": "y", "conflicts.list.0.0": "z", "conflicts.list.2.k": 4, "conflicts.maps.0.k": 5, "conflicts.maps.1.k": 6, "d": 2.5, "e": "", "i": 42, "key": "k", "list": "a", "list.0": "last", "list.1": 3, "list.2": 1.5, "list.4.z": "last", "m.at": "naïve 日本", "m.deep.k": "natt", "m.deep.list": 10, "m.deep.list.1.x": "latest", "m.k": 7, "m.none": nil, "m.z": "last", "none": nil, "s": "hello world", "t": true}',
      },
      'flatten(span.attributes["conflicts"]) -> span.attributes["conflicts"]': {
        gives:
          '{"a.b": 2, "a.b.0": 3, "in.0.0": "p", "in.0.1": "q", "in.1.0": "r", "in.1.1.0": "s", "list.0": "z", "list.1": "y", "list.2.k": 4, "maps.0.k": 5, "maps.1.k": 6}',
      },
      'flatten(span.attributes["conflicts"], resolve_conflicts=true) -> span.attributes["conflicts"]': {
        gives:
          '{"a.b": 1, "a.b.0": 2, "a.b.0.0": 3, "in.0.0": "p", "in.0.1": "q", "in.1.0": "r", "in.1.1.0": "s", "list": "x", "list.0": "y", "list.0.0": "z", "list.2.k": 4, "maps.0.k": 5, "maps.1.k": 6}',
      },
      'flatten(span.attributes["conflicts"], "p", resolve_conflicts=true) -> span.attributes["conflicts"]': {
        gives:
          '{"p.a.b": 1, "p.a.b.0": 2, "p.a.b.0.0": 3, "p.in.0.0": "p", "p.in.0.1": "q", "p.in.1.0": "r", "p.in.1.1.0": "s", "p.list": "x", "p.list.0": "y", "p.list.0.0": "z", "p.list.2.k": 4, "p.maps.0.k": 5, "p.maps.1.k": 6}',
      },
      'flatten(span.attributes["conflicts"], depth=2) -> span.attributes["conflicts"]': {
        gives:
          '{"a.b": 2, "a.b.0": 3, "in.0.0": "p", "in.0.1": "q", "in.1.0": "r", "in.1.1": ["s"], "list.0": "z", "list.1": "y", "list.2.k": 4, "maps.0.k": 5, "maps.1.k": 6}',
      },
    },
  },
  {
    why: 'a map is merged with itself: the Collector empties it',
    ours: {
      'merge_maps(span.attributes["m"]["deep"], span.attributes["m"]["deep"], "upsert") -> span.attributes["m"]["deep"]':
        { gives: '{"k": "natt", "list": [10, {"x": "latest"}]}' },
    },
  },
  {
    why: 'the map is put into itself: the Collector empties what it replaces first',
    ours: {
      'set(span.attributes["m"]["deep"]["list"], span.attributes["m"]) -> span.attributes["m"]["deep"]["list"]': {
        gives:
          '{"at": "naïve 日本", "deep": {"k": "natt", "list": [10, {"x": "latest"}]}, "k": 7, "none": nil, "z": "last"}',
      },
      'set(span.attributes["m"]["z"], span.attributes["m"]) -> span.attributes["m"]["z"]': {
        gives:
          '{"at": "naïve 日本", "deep": {"k": "natt", "list": [10, {"x": "latest"}]}, "k": 7, "none": nil, "z": "last"}',
      },
    },
  },
  {
    why: 'the Collector refuses maps and lists as items',
    ours: {
      'append(span.attributes["list"], value={"k": 1}) -> span.attributes["list"]': {
        gives: '["a", "last", 3, 1.5, {"z": "last"}, {"k": 1}]',
      },
      'append(span.attributes["list"], values=[span.attributes["empty"], span.attributes["s"]]) -> span.attributes["list"]':
        { gives: '["a", "last", 3, 1.5, {"z": "last"}, [], "hello world"]' },
    },
  },
  {
    why: 'the target is no text, so there is nothing to replace; the Collector computes the replacement first, which fails',
    ours: {
      'replace_match(span.attributes["list"], "*", span.attributes["i"]) -> span.attributes["list"]': {
        gives: '["a", "last", 3, 1.5, {"z": "last"}]',
      },
      'replace_pattern(span.attributes["list"], ".", span.attributes["i"]) -> span.attributes["list"]': {
        gives: '["a", "last", 3, 1.5, {"z": "last"}]',
      },
    },
  },
  {
    why: 'the function gives no text: the Collector panics, and the request is lost',
    ours: {
      'replace_match(span.attributes["s"], "*", "x", Double) -> span.attributes["s"]': {
        gives: '"hello world"',
        fails: true,
      },
      'replace_match(span.attributes["s"], "*", "1", Double) -> span.attributes["s"]': {
        gives: '"hello world"',
        fails: true,
      },
      'replace_pattern(span.attributes["s"], "o", "x", Double) -> span.attributes["s"]': {
        gives: '"hello world"',
        fails: true,
      },
      'replace_pattern(span.attributes["s"], "o", "1", Double) -> span.attributes["s"]': {
        gives: '"hello world"',
        fails: true,
      },
      'replace_all_patterns(span.attributes["m"], "key", "a", "b", Double) -> span.attributes["m"]': {
        gives:
          '{"at": "naïve 日本", "deep": {"k": "natt", "list": [10, {"x": "latest"}]}, "k": 7, "none": nil, "z": "last"}',
      },
      'replace_all_patterns(span.attributes["m"], "value", "a", "b", Double) -> span.attributes["m"]': {
        gives:
          '{"at": "naïve 日本", "deep": {"k": "natt", "list": [10, {"x": "latest"}]}, "k": 7, "none": nil, "z": "last"}',
      },
    },
  },
  {
    why: 'the map is put into itself: in the Collector the copy has an empty copy of its own',
    ours: {
      'set(spanevent.attributes["copy"], spanevent.attributes) -> spanevent.attributes': {
        gives:
          '{"copy": {"data": {"at": ["natt", 1]}, "k": "hello world", "n": 7, "none": nil, "path": "/users/7", "z": "last"}, "data": {"at": ["natt", 1]}, "k": "hello world", "n": 7, "none": nil, "path": "/users/7", "z": "last"}',
      },
    },
  },
  {
    why: 'an attribute cannot hold it: the Collector leaves an empty attribute',
    ours: {
      'set(spanevent.attributes["t"], span.start_time) -> spanevent.attributes': {
        gives:
          '{"data": {"at": ["natt", 1]}, "k": "hello world", "n": 7, "none": nil, "path": "/users/7", "z": "last"}',
        fails: true,
      },
      'set(spanevent.attributes["t"], span.trace_id) -> spanevent.attributes': {
        gives:
          '{"data": {"at": ["natt", 1]}, "k": "hello world", "n": 7, "none": nil, "path": "/users/7", "z": "last"}',
        fails: true,
      },
    },
  },
  {
    why: 'an attribute cannot hold a time: the Collector writes an empty item without saying so',
    ours: {
      'set(spanevent.attributes["l"], [span.start_time, 1]) -> spanevent.attributes': {
        gives:
          '{"data": {"at": ["natt", 1]}, "k": "hello world", "n": 7, "none": nil, "path": "/users/7", "z": "last"}',
        fails: true,
      },
    },
  },
];
