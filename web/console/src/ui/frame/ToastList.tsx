/** What has just been done or refused, with its undoing. */

import { Button as AriaButton } from 'react-aria-components/Button'
import { useT } from '../../i18n/i18n.tsx'
import type { Toast } from '../../state/state.ts'
import { useActions, useConsoleState, useRoom } from '../console.tsx'
import { Icon } from '../parts/Icon.tsx'
import { useErrorText } from '../use-error-text.ts'

export function ToastList() {
  const room = useRoom()
  const toasts = useConsoleState((state) => state.toasts)
  return (
    <div
      role="status"
      aria-live="polite"
      className={`pointer-events-none absolute z-40 flex flex-col gap-2 ${room === 'narrow' ? 'inset-x-4 bottom-24 items-center' : 'start-4 bottom-4 items-start'}`}
    >
      {toasts.map((toast) => (
        <ToastView key={toast.id} toast={toast} />
      ))}
    </div>
  )
}

function ToastView({ toast }: { toast: Toast }) {
  const t = useT()
  const errorText = useErrorText()
  const actions = useActions()
  const text = toast.text.startsWith('error.') ? errorText(toast.text.slice('error.'.length)) : t('toast.closed')
  return (
    <div className="kefu-rise pointer-events-auto flex max-w-full items-center gap-2 rounded-xl bg-inverse py-1.5 ps-4 pe-1.5 text-sm text-on-inverse shadow-pop">
      {toast.tone === 'problem' && <Icon name="alert" size={16} />}
      <span className="min-w-0 py-1">{text}</span>
      {toast.undo && (
        <AriaButton
          onPress={toast.undo}
          className="cursor-pointer rounded-lg px-2 py-1 font-semibold underline-offset-2 hover:underline"
        >
          {t('toast.undo')}
        </AriaButton>
      )}
      <AriaButton
        aria-label={t('toast.dismiss')}
        onPress={() => actions.dismiss(toast.id)}
        className="grid size-7 cursor-pointer place-items-center rounded-lg opacity-70 hover:opacity-100"
      >
        <Icon name="close" size={14} />
      </AriaButton>
    </div>
  )
}
