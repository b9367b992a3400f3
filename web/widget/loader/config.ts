// Reads how the host page set the widget up. Knows script tags and the global object; draws nothing.
import type { Config } from '../contract.ts'

const LOADER_PATH = /(\/chat)?\/widget\/widget(Script)?\.js$/

export type RawConfig = Record<string, unknown>

/** The script tag that this code came with: the running one, or the one that looks like it (a module, an async loader). */
export function ownScript(): HTMLScriptElement | undefined {
  const scripts = [document.currentScript, ...document.scripts] as (HTMLScriptElement | null)[]
  return scripts.find((script) => script?.src && LOADER_PATH.test(pathOf(script.src))) ?? undefined
}

/** `ChatWidgetConfig` and the script's `data-*`; what the object says wins. Anything but text counts as unset. */
export function readConfig(raw: RawConfig | undefined, script: HTMLScriptElement | undefined): Config {
  const text = (key: string) => {
    const value = raw?.[key] ?? script?.dataset[key]
    return typeof value === 'string' ? value.trim() : ''
  }
  return {
    base: baseUrl(text('serverBaseUrl'), script),
    mountSelector: text('mountSelector'),
    buttonText: text('buttonText'),
    visitorName: text('visitorName'),
    visitorEmail: text('visitorEmail'),
    visitorPhone: text('visitorPhone'),
  }
}

/** Where the widget's own files are, with a slash at the end. */
export function filesUrl(config: Config, script: HTMLScriptElement | undefined): string {
  return script ? new URL('.', script.src).href : `${config.base}/chat/widget/`
}

/** What was configured, else where the script came from up to the part of its path that is ours. */
function baseUrl(configured: string, script: HTMLScriptElement | undefined): string {
  const url = new URL(configured || script?.src || '/', location.href)
  return url.origin + url.pathname.replace(LOADER_PATH, '').replace(/\/+$/, '')
}

const pathOf = (src: string) => new URL(src, location.href).pathname
