/** Shows the two lines that put the widget on a website, ready to copy. */

import { useState } from 'react'
import { useT } from '../../i18n/i18n.tsx'
import { Button } from '../parts/Button.tsx'

const COPIED_MS = 2000

export function embedCode(server: string): string {
  return [
    `<script>window.ChatWidgetConfig = { serverBaseUrl: ${JSON.stringify(server).replace(/</gu, '\\u003c')} };</script>`,
    `<script src="${server}/chat/widget/widget.js"></script>`,
  ].join('\n')
}

export function EmbedHelp({ server }: { server: string }) {
  const t = useT()
  const [copied, setCopied] = useState(false)
  const code = embedCode(server)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(code)
    } catch {
      return // Without the permission the text can still be selected.
    }
    setCopied(true)
    setTimeout(() => setCopied(false), COPIED_MS)
  }
  return (
    <div className="flex flex-col gap-3">
      <h2 className="text-base font-semibold">{t('embed.title')}</h2>
      <p className="text-sm text-muted">{t('embed.body')}</p>
      <pre className="m-0 whitespace-pre-wrap wrap-anywhere rounded-lg bg-sunken p-3 font-mono text-xs leading-5 inset-ring inset-ring-line select-all">
        {code}
      </pre>
      <Button icon={copied ? 'check' : 'copy'} onPress={copy} className="self-start">
        {t(copied ? 'embed.copied' : 'embed.copy')}
      </Button>
      <p className="text-xs text-faint">{t('embed.origin')}</p>
    </div>
  )
}
