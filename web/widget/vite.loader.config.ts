import { readdirSync } from 'node:fs'
import { defineConfig } from 'vite'

const outDir = '../../src/kefu/static/widget'
const built = readdirSync(new URL(`${outDir}/assets`, import.meta.url))

/** The hashed name of a file that the panel's build made. */
function hashed(name: string): string {
  const found = built.filter((file) => file.startsWith(`${name}-`) && file.endsWith('.js'))
  if (found.length !== 1) throw new Error(`expected one ${name}-<hash>.js in the panel's build, found ${found.length}`)
  return `assets/${found[0]}`
}

// The loader: a classic script that any page can include, without a hash in its name.
export default defineConfig({
  root: import.meta.dirname,
  publicDir: false,
  define: {
    __PANEL_FILE__: JSON.stringify(hashed('panel')),
    __LOCALE_FILES__: JSON.stringify({ en: hashed('locale-en'), 'zh-CN': hashed('locale-zh-CN') }),
  },
  build: {
    outDir,
    emptyOutDir: false,
    target: 'es2022',
    modulePreload: false,
    rolldownOptions: {
      input: { widget: 'loader/main.ts' },
      output: { format: 'iife', entryFileNames: '[name].js' },
    },
  },
})
