// The part of docs/ottl.md that no table says: the grammar, and how values behave.

export const languageText = `# OTTL

<!-- Made by scripts/ottl-doc.ts from the tables of functions and paths. -->

The OpenTelemetry Transformation Language, as the Collector 0.156 has it, for spans. The conditions of \`filter\` and \`routing\` and the
statements of \`transform\` are written in it. Try a rule without a service:

\`\`\`
spanmill ottl 'attributes["http.status_code"] >= 400'
spanmill ottl 'set(name, "x") where kind == SPAN_KIND_SERVER' --span spans.json
\`\`\`

Without \`--span\` it works on the [example span](#the-example-span), which all examples below speak of.

## The language in short

A **statement** is an editor, perhaps with a condition: \`set(name, "x") where kind == 2\`. A **condition** is a comparison, a converter
that gives a bool, \`true\` or \`false\`, or several of them.

| | |
|---|---|
| \`condition and condition\`, \`or\`, \`not\`, \`( )\` | \`not\` binds closest, then \`and\`. What is behind the one that decides is not evaluated. |
| \`value == value\` | \`!=\` \`<\` \`<=\` \`>\` \`>=\`. Values of different types are never equal, and no error; an int and a double are compared as doubles. Lists, maps and ids are equal or not, and have no order. \`nil\` is equal to \`nil\` only. |
| \`name\`, \`span.name\`, \`attributes["a"]["b"][0]\` | A path: fields of the item, and keys of maps and lists. A key that is missing gives \`nil\`; an index beyond the end is an error. Setting through keys that are missing makes them. A key may be any expression. |
| \`Converter(…)\`, \`Converter(…)["key"]\` | Names of converters begin with a capital letter, those of editors with a small one. A result that is a map or a list takes keys. |
| \`f(a, b)\`, \`f(a, delimiter=b)\` | Arguments by place, then by name; \`some_name\` and \`someName\` are the same. |
| \`"text"\` | In double quotes, with Go's escapes: \`\\n\`, \`\\"\`, \`\\\\\`, \`\\u00e9\`. In YAML a \`$\` is written \`$$\`. |
| \`42\`, \`2.5\`, \`1.5e3\`, \`true\`, \`nil\`, \`0x00ff\` | A 64-bit int, a double, a bool, nothing, bytes. |
| \`["a", 1]\`, \`{"k": 1}\` | A list, a map. |
| \`(key, value) => value > 1\` | A lambda, for the functions that take one ([Any](#any), [Filter](#filter), [Reduce](#reduce) and others): the names of what it is called with, and a value or condition in which they stand. \`_\` is a name for what it does not need. A name hides a path of that name. |
| \`SPAN_KIND_SERVER\` | An [enum symbol](#enum-symbols): an int with a name. |
| \`a + b\`, \`-\`, \`*\`, \`/\` | Ints give an int (division cuts), an int and a double a double. A time less a time is a duration; a time with a duration is a time. Division by zero and \`nil\` are errors. |

A path without the name of a context belongs to the context of the rule; with one (\`resource.attributes["a"]\`) a rule sees its own context
and the higher ones: spanevent, span, scope, resource; spanlink is like spanevent, and the two do not see each other. Where a
configuration names no context, each path must, and the lowest that is named is that of the rules.

What is known of the client (\`otelcol.client.metadata["x-tenant"][0]\`) is seen in every context and can only be read. Its first key
stands in the rule: requests whose clients differ in what a rule reads share no job, so it has to be known before they come.

An error at a span is what \`error_mode\` says: \`ignore\` reports it and goes on, \`silent\` goes on, \`propagate\` refuses the request. Errors
in the text itself are found at load, each at its character.
`;

export const typesText = `### Types of arguments

A **path** is one that can be written. **Written out** means that the value must stand in the rule. Where several types are
named, the function converts: a text is read as a number or bool, a number becomes text, bytes become hex, a list or map JSON.
`;
