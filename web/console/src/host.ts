/**
 * What the host page says: where the chat-server is, where tokens come from, which language it has.
 * Knows the host page's element and its defaults; nothing of chat.
 */

export interface Host {
  /** Where the console is drawn. */
  root: HTMLElement
  /** Base URL of chat-server, without a slash at its end. */
  server: string
  tokenUrl: string
  loginUrl: string | null
  logoutUrl: string | null
  /** As the page asked for; empty: the browser's. */
  locale: string
}

const ROOT_ID = 'kefu-console'
const CONSOLE_PATH = /(?:\/chat)?\/console\/.*$/u

/** @param scriptUrl where the console's own code came from */
export function findHost(page: Document, scriptUrl: string): Host {
  const root = page.getElementById(ROOT_ID) ?? makeRoot(page)
  const { server, tokenUrl, loginUrl, logoutUrl, locale } = root.dataset
  return {
    root,
    server: (server || serverOf(scriptUrl)).replace(/\/+$/u, ''),
    tokenUrl: tokenUrl || '/api/admin/chat/token',
    loginUrl: loginUrl || null,
    logoutUrl: logoutUrl || null,
    locale: locale || '',
  }
}

/** The base URL from which the script was served: what stands before `/chat/console/`. */
export function serverOf(scriptUrl: string): string {
  const url = new URL(scriptUrl)
  return url.origin + url.pathname.replace(CONSOLE_PATH, '')
}

function makeRoot(page: Document): HTMLElement {
  const root = page.createElement('div')
  root.id = ROOT_ID
  root.dataset.fill = 'page'
  page.body.append(root)
  return root
}
