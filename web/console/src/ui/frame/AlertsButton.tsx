/** Turns the sound on and off, and shows at a glance that it is off. */

import { useT } from '../../i18n/i18n.tsx'
import { useActions, useConsoleState } from '../console.tsx'
import { IconButton } from '../parts/Button.tsx'

export function AlertsButton() {
  const t = useT()
  const actions = useActions()
  const isOn = useConsoleState((state) => state.settings.sound)
  return (
    <IconButton
      icon={isOn ? 'bell' : 'bellOff'}
      label={t(isOn ? 'alerts.mute' : 'alerts.unmute')}
      placement="right"
      onPress={() => actions.settings({ sound: !isOn })}
      className="size-10"
    />
  )
}
