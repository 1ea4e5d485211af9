/** Measures the scripts that run in pages, compressed together: as they are shipped, and without comments. As a program it prints both. */

import { readFileSync, readdirSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import ts from 'typescript';

const EXTENSION = new URL('../../extension/', import.meta.url);

/** @param {string} text */
const compressed = (text) => gzipSync(text, { level: 9 }).length;

/** @param {string} text */
const withoutComments = (text) => ts.transpileModule(text, {
  compilerOptions: { removeComments: true, target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext },
}).outputText;

export function sizes() {
  const scripts = ['content/', 'page/'].flatMap((folder) => readdirSync(new URL(folder, EXTENSION)).sort()
    .map((name) => readFileSync(new URL(folder + name, EXTENSION), 'utf8')));
  return { shipped: compressed(scripts.join('')), code: compressed(scripts.map(withoutComments).join('')) };
}

if (argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(JSON.stringify(sizes()));
