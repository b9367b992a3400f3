// The few words that are needed before any catalogue is loaded, and which catalogue that will be.
import { chooseLocale } from '@kefu/client/catalogue'

const TEXTS = {
  en: {
    open: 'Chat with us',
    close: 'Close chat',
    unread: ' unread',
    away: 'Chat cannot be reached right now. Please try again in a moment.',
  },
  'zh-CN': {
    open: '联系客服',
    close: '关闭聊天',
    unread: ' 条未读消息',
    away: '暂时连不上客服，请稍后再试。',
  },
}

export type Locale = keyof typeof TEXTS
export type LauncherTexts = (typeof TEXTS)[Locale]

export const launcherTexts = (locale: Locale): LauncherTexts => TEXTS[locale]

/** The page's language, else the browser's. */
export function pageLocale(...wanted: string[]): Locale {
  const wishes = [...wanted, document.documentElement.lang, ...navigator.languages]
  return chooseLocale(wishes, Object.keys(TEXTS), 'en') as Locale
}
