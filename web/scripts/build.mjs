// Builds the browser files: each front end by its own Vite config, then their compressed twins.
// usage: build.mjs STATIC_FOLDER
import { existsSync } from 'node:fs'
import { copyFile, mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { compressFolder } from './compress.mjs'

const web = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const target = resolve(process.argv[2])

// The loader comes second: it carries the hashed names of what the first config made.
const CONFIGS = ['widget/vite.config.ts', 'widget/vite.loader.config.ts', 'console/vite.config.ts']

for (const config of CONFIGS.map((name) => join(web, name)).filter(existsSync)) {
  await build({ root: dirname(config), configFile: config, logLevel: 'warn' })
}
await mkdir(join(target, 'widget'), { recursive: true })
await copyFile(
  join(web, 'node_modules/socket.io-client/dist/socket.io.min.js'),
  join(target, 'widget/socket.io.min.js'),
)
await compressFolder(target)
