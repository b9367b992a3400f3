/// <reference types="vitest/config" />
import { defineConfig, type Plugin } from 'vite'

/** chat-server speaks websocket and polling; the official client's third transport would only be weight. */
function withoutWebTransport(): Plugin {
  return {
    name: 'kefu-without-webtransport',
    load: {
      filter: { id: /engine\.io-client[\\/].*[\\/]transports[\\/]webtransport\.js$/ },
      handler: () => 'export class WT {}',
    },
  }
}

// The panel with everything that it needs, in one file, and one file a language: a visitor loads the loader and two more.
export default defineConfig({
  base: './',
  root: import.meta.dirname,
  publicDir: false,
  plugins: [withoutWebTransport()],
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
