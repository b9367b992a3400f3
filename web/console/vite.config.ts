/// <reference types="vitest/config" />
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

const LOCALE_FILE = /[\\/]intl[\\/](?:[\w-]+[\\/])?(?!en-US|zh-CN)[a-z]{2}-[A-Z]{2}\.mjs$/u

/** React Aria brings its few words in thirty languages; the console speaks two. */
function onlyOurLanguages(): Plugin {
  return {
    name: 'kefu-only-our-languages',
    enforce: 'pre',
    load: { filter: { id: LOCALE_FILE }, handler: () => 'export default {}' },
  }
}

export default defineConfig({
  // Every address is relative to the file that asks, so that any path prefix and any host works.
  base: './',
  root: import.meta.dirname,
  publicDir: false,
  plugins: [onlyOurLanguages(), react(), tailwindcss()],
  build: {
    outDir: '../../src/kefu/static/console',
    emptyOutDir: true,
    target: 'es2022',
    cssCodeSplit: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { console: 'src/bootstrap.ts' },
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
      },
    },
  },
  test: {
    name: 'console',
    environment: 'happy-dom',
    include: ['tests/**/*.test.{ts,tsx}'],
  },
})
