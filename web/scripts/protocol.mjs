// Turns the JSON Schema of the wire contract (on standard input) into TypeScript.
// usage: protocol.mjs [--check] FILE       --check compares instead of writing and fails on a difference.
import { readFile, writeFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { compile } from 'json-schema-to-typescript'

const check = process.argv[2] === '--check'
const file = process.argv.at(-1)
const banner = '// Generated from src/kefu/wire by `python hatch_build.py --protocol`. Do not edit.\n'

const schema = JSON.parse(await text(process.stdin))
const types = await compile(schema, 'Contract', {
  additionalProperties: false,
  bannerComment: banner,
  style: { semi: false, singleQuote: true, printWidth: 120 },
})

if (!check) {
  await writeFile(file, types)
} else if ((await readFile(file, 'utf8')) !== types) {
  console.error(`${file} is not what src/kefu/wire says. Run: python hatch_build.py --protocol`)
  process.exit(1)
}
