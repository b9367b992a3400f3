// Weighs what browsers load (brotli) against the budgets and against the sizes recorded in `sizes.json`.
// usage: sizes.mjs STATIC_FOLDER [--record]
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync } from 'node:zlib'

const KB = 1024
const folder = resolve(process.argv[2])
const recordFile = join(dirname(fileURLToPath(import.meta.url)), 'sizes.json')

const names = (await readdir(folder, { recursive: true })).map((name) => name.replaceAll('\\', '/'))
const matching = (pattern) => names.filter((name) => pattern.test(name))
const weigh = async (name) => brotliCompressSync(await readFile(join(folder, name))).length
const total = async (files) => (await Promise.all(files.map(weigh))).reduce((sum, size) => sum + size, 0)

/** A module and everything that it imports statically: what a browser must have before it runs. */
async function closure(entry, seen = new Set()) {
  if (seen.has(entry) || !names.includes(entry)) return seen
  seen.add(entry)
  for (const path of await mentioned(entry, /(?:\bfrom|\bimport)\s*["'`](\.{1,2}\/[^"'`]+\.js)["'`]/g)) {
    await closure(path, seen)
  }
  return seen
}

/** What a tiny entry fetches at once: every file that it names, and what those import. */
async function firstLoad(entry) {
  const files = new Set([entry])
  for (const path of await mentioned(entry, /["'`](\.\/[^"'`]+\.(?:js|css))["'`]/g)) {
    for (const file of await closure(path)) files.add(file)
  }
  return [...files]
}

async function mentioned(file, pattern) {
  const code = names.includes(file) ? await readFile(join(folder, file), 'utf8') : ''
  return [...code.matchAll(pattern)].map(([, path]) => join(dirname(file), path).replaceAll('\\', '/'))
}

const loader = ['widget/widget.js']
const panel = matching(/^widget\/assets\/panel-[\w-]+\.js$/)
const locales = matching(/^widget\/assets\/locale-.+\.js$/)
const heaviest = Math.max(0, ...(await Promise.all(locales.map(weigh))))
const console_ = await firstLoad('console/console.js')

const weights = [
  { what: 'widget loader', bytes: await total(loader), max: 3 * KB },
  { what: 'widget locale, the heaviest', bytes: heaviest, max: 3 * KB },
  { what: 'widget, all that a visitor loads', bytes: (await total([...loader, ...panel])) + heaviest, max: 30 * KB },
  { what: 'console, first load', bytes: await total(console_), max: 200 * KB },
]

const recorded = existsSync(recordFile) ? JSON.parse(await readFile(recordFile, 'utf8')) : {}
for (const { what, bytes, max } of weights) {
  const change = bytes - (recorded[what] ?? bytes)
  const verdict = bytes > max ? '  OVER BUDGET' : ''
  console.log(
    `${what.padEnd(34)}${String(bytes).padStart(8)} of ${max} bytes br  ${change >= 0 ? '+' : ''}${change}${verdict}`,
  )
}
if (panel.length !== 1) throw new Error(`the widget has ${panel.length} panel files, so not 3 requests`)
if (process.argv.includes('--record')) {
  const now = Object.fromEntries(weights.map(({ what, bytes }) => [what, bytes]))
  await writeFile(recordFile, `${JSON.stringify(now, null, 2)}\n`)
}
if (weights.some(({ bytes, max }) => bytes > max)) process.exit(1)
