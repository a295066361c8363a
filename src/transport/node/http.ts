// node:http without its ES module namespace. To make one, Node reads every export, and the one called WebSocket loads all of its
// fetch with it: 12 MiB of resident memory and 100 ms of the start, for nothing that is used here.
export const nodeHttp = process.getBuiltinModule('node:http');
