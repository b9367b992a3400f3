/** A box over everything else, with a title and a way out. */

import type { ReactNode } from 'react'
import { Dialog } from 'react-aria-components/Dialog'
import { Heading } from 'react-aria-components/Heading'
import { Modal, ModalOverlay } from 'react-aria-components/Modal'
import { useT } from '../../i18n/i18n.tsx'
import { useActions } from '../console.tsx'
import { IconButton } from '../parts/Button.tsx'

export interface OverlayProps {
  title: string
  /** A palette brings its own head. */
  isBare?: boolean
  children: ReactNode
}

export function Overlay({ title, isBare = false, children }: OverlayProps) {
  const t = useT()
  const actions = useActions()
  const close = () => actions.overlay(null)
  return (
    <ModalOverlay
      isOpen
      isDismissable
      onOpenChange={(isOpen) => !isOpen && close()}
      className="kefu-fade fixed inset-0 z-50 flex items-start justify-center overflow-y-auto bg-scrim px-4 pt-[12vh] pb-8"
    >
      <Modal className={`kefu-rise w-full rounded-2xl bg-raised shadow-pop ${isBare ? 'max-w-xl' : 'max-w-lg'}`}>
        <Dialog {...(isBare ? { 'aria-label': title } : {})} className="outline-none">
          {!isBare && (
            <header className="flex h-14 items-center justify-between ps-5 pe-3">
              <Heading slot="title" className="text-lg font-semibold">
                {title}
              </Heading>
              <IconButton icon="close" label={t('overlay.close')} onPress={close} />
            </header>
          )}
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}
