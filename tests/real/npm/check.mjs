// Judges Kubernetes objects by the models of their makers. In: a JSON list of objects; out: for each the list of what is
// wrong. A model's own validate() finds what is missing or of another type; TypeScript finds fields that are unknown.
import { readFileSync } from "node:fs";
import ts from "typescript";

const PACKAGES = {
  "cert-manager.io": "@kubernetes-models/cert-manager",
  "traefik.io": "@kubernetes-models/traefik",
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
};
const FILE = "objects.ts";

const place = ({ apiVersion, kind }) => `${PACKAGES[apiVersion.split("/")[0]]}/${apiVersion}/${kind}`;

async function invalid(object) {
  const model = await import(place(object));
  try {
    new model[object.kind](object).validate();
    return [];
  } catch (error) {
    return [error.message];
  }
}

function unknown(objects) {
  const lines = objects.map((each, index) =>
    `import type { I${each.kind} as Kind${index} } from "${place(each)}"; ` +
    `export const object${index}: Kind${index} = ${JSON.stringify(each)};`);
  const options = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, strict: true,
    noEmit: true, skipLibCheck: true, types: [] };
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile } = host;
  host.fileExists = (path) => path === FILE || fileExists(path);
  host.getSourceFile = (path, ...rest) =>
    path === FILE ? ts.createSourceFile(FILE, lines.join("\n"), ts.ScriptTarget.ES2022) : getSourceFile(path, ...rest);
  const program = ts.createProgram([FILE], options, host);
  const found = objects.map(() => []);
  for (const each of ts.getPreEmitDiagnostics(program)) {
    if (each.file?.fileName !== FILE) throw new Error(ts.flattenDiagnosticMessageText(each.messageText, "\n"));
    const { line } = each.file.getLineAndCharacterOfPosition(each.start);
    found[line].push(ts.flattenDiagnosticMessageText(each.messageText, "\n"));
  }
  return found;
}

const objects = JSON.parse(readFileSync(0, "utf8"));
const messages = unknown(objects);
for (const [index, object] of objects.entries()) messages[index].push(...await invalid(object));
console.log(JSON.stringify(messages));
