/** What is wrong with the installation, for its owners: each finding with the line to change. */

import type { DoctorFinding } from '@kefu/protocol'
import { useCallback, useEffect, useState } from 'react'
import { useLocale, useT } from '../../i18n/i18n.tsx'
import type { Health as Found } from '../../session/health.ts'
import { useActions } from '../console.tsx'
import { Button, IconButton } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'
import { Overlay } from './Overlay.tsx'

const COPIED_MS = 2000

export default function Health() {
  const t = useT()
  const language = useLocale()
  const { health } = useActions()
  const [found, setFound] = useState<Found | null>(null)
  const look = useCallback(() => {
    let isWanted = true
    setFound(null)
    void health(language).then((answer) => isWanted && setFound(answer))
    return () => {
      isWanted = false
    }
  }, [health, language])
  useEffect(look, [look])
  return (
    <Overlay title={t('health.title')}>
      <div className="flex flex-col gap-4 px-5 pb-5">
        <p className="text-sm text-muted">{t('health.body')}</p>
        <div aria-live="polite" data-testid="health">
          <Answer found={found} />
        </div>
        <Button icon="refresh" onPress={look} isDisabled={found === null} className="self-start">
          {t('health.again')}
        </Button>
      </div>
    </Overlay>
  )
}

function Answer({ found }: { found: Found | null }) {
  const t = useT()
  if (found === null) return <p className="py-2 text-sm text-muted">{t('health.looking')}</p>
  if (found === 'forbidden' || found === 'failed')
    return <p className="py-2 text-sm text-danger">{t(`health.${found}`)}</p>
  if (found.length === 0)
    return (
      <p className="flex items-center gap-2 py-2 text-sm font-medium text-ok">
        <Icon name="check" size={16} />
        {t('health.nothing')}
      </p>
    )
  return (
    <ul className="m-0 flex list-none flex-col gap-3 p-0">
      {found.map((one) => (
        <Item key={`${one.code} ${one.change}`} finding={one} />
      ))}
    </ul>
  )
}

function Item({ finding }: { finding: DoctorFinding }) {
  const t = useT()
  const isFailure = finding.severity === 'failure'
  return (
    <li className="flex gap-2.5 border-t border-line pt-3">
      <Icon name="alert" size={16} className={`mt-0.5 shrink-0 ${isFailure ? 'text-danger' : 'text-warn'}`} />
      <div className="flex min-w-0 flex-1 flex-col gap-1.5">
        <p className="wrap-anywhere text-sm">
          <span className="sr-only">{t(isFailure ? 'health.failure' : 'health.warning')}: </span>
          {finding.found}
        </p>
        <Line text={finding.change} />
        <p className="text-xs text-faint">{finding.code}</p>
      </div>
    </li>
  )
}

function Line({ text }: { text: string }) {
  const t = useT()
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
    } catch {
      return // Without the permission the text can still be selected.
    }
    setCopied(true)
    setTimeout(() => setCopied(false), COPIED_MS)
  }
  return (
    <div className="flex items-start gap-1 rounded-lg bg-sunken ps-3 inset-ring inset-ring-line">
      <code className="min-w-0 flex-1 py-2 font-mono text-xs leading-5 whitespace-pre-wrap wrap-anywhere select-all">
        {text}
      </code>
      <IconButton
        icon={copied ? 'check' : 'copy'}
        label={t(copied ? 'embed.copied' : 'health.copy')}
        placement="left"
        size={16}
        onPress={copy}
        className="size-9"
      />
    </div>
  )
}
