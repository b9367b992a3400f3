/**
 * The console's stable entry, `console.js`: finds the host page's element and loads the rest beside itself.
 * Small, so that a page may always load it afresh; what it loads has hashed names.
 */

import { findHost } from './host.ts'
import loadFailed from './i18n/load-failed.json'

const host = findHost(document, import.meta.url)

import('./main.tsx')
  .then(({ mount }) => mount(host))
  .catch((error: unknown) => {
    host.root.textContent = loadFailed[/^zh/iu.test(host.locale || navigator.language) ? 'zh-CN' : 'en']
    throw error
  })
