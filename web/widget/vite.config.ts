/// <reference types="vitest/config" />
import { defineConfig, type Plugin } from 'vite'

/** Parts of the official client that chat-server never uses: its third transport, and binary attachments. */
const UNUSED = {
  'engine.io-client/build/esm/transports/webtransport.js': 'export class WT {}',
  'socket.io-parser/build/esm/is-binary.js': 'export const isBinary = () => false, hasBinary = isBinary',
  'socket.io-parser/build/esm/binary.js': 'export const deconstructPacket = 0, reconstructPacket = 0',
}

function withoutUnused(): Plugin {
  return {
    name: 'kefu-without-unused',
    load: {
      filter: { id: /[\\/](engine\.io-client|socket\.io-parser)[\\/]build[\\/]esm[\\/]/ },
      handler: (id) => Object.entries(UNUSED).find(([path]) => id.replaceAll('\\', '/').endsWith(path))?.[1],
    },
  }
}

// The panel with everything that it needs, in one file, and one file a language: a visitor loads the loader and two more.
export default defineConfig({
  base: './',
  root: import.meta.dirname,
  publicDir: false,
  plugins: [withoutUnused()],
  json: { namedExports: false },
  build: {
    outDir: '../../src/kefu/static/widget',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    rolldownOptions: {
      input: { panel: 'panel/mount.tsx', 'locale-en': 'locales/en.json', 'locale-zh-CN': 'locales/zh-CN.json' },
      preserveEntrySignatures: 'strict',
      output: { entryFileNames: 'assets/[name]-[hash].js' },
    },
  },
  test: {
    name: 'widget',
    environment: 'happy-dom',
    include: ['tests/**/*.test.{ts,tsx}'],
  },
})
