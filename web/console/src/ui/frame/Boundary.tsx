/** What is left when a part cannot be drawn, or cannot be loaded after an update of the server: a word and a way on. */

import { Component, type ReactNode } from 'react'
import { useT } from '../../i18n/i18n.tsx'
import { Button } from '../parts/Button.tsx'
import { Icon } from '../parts/Icon.tsx'

export class Boundary extends Component<{ children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false }

  static getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true }
  }

  override render(): ReactNode {
    return this.state.hasFailed ? <ReloadNotice /> : this.props.children
  }
}

function ReloadNotice() {
  const t = useT()
  return (
    <div role="alert" className="pointer-events-none fixed inset-x-0 bottom-6 z-50 flex justify-center px-4">
      <div className="kefu-rise pointer-events-auto flex flex-wrap items-center gap-3 rounded-xl bg-raised py-2 ps-4 pe-2 text-sm shadow-pop">
        <Icon name="alert" size={16} className="text-warn" />
        {t('crash.text')}
        <Button weight="primary" onPress={() => location.reload()}>
          {t('crash.reload')}
        </Button>
      </div>
    </div>
  )
}
