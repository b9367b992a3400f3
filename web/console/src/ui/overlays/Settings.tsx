/** How this agent wants the console: language, theme, alerts, keys. */

import { type ReactNode, useState } from 'react'
import { Label } from 'react-aria-components/Label'
import { Radio, RadioGroup } from 'react-aria-components/RadioGroup'
import { Switch } from 'react-aria-components/Switch'
import { LANGUAGES, useT } from '../../i18n/i18n.tsx'
import type { Language, Theme } from '../../state/settings.ts'
import { useActions, useConsoleState } from '../console.tsx'
import { Button } from '../parts/Button.tsx'
import { Overlay } from './Overlay.tsx'

const THEMES: readonly Theme[] = ['system', 'light', 'dark']
/** Each language in its own words, so that whoever does not read the present one finds theirs. */
const LANGUAGE_NAMES: Record<Language, string> = { 'zh-CN': '简体中文', en: 'English' }

export default function Settings() {
  const t = useT()
  const actions = useActions()
  const settings = useConsoleState((state) => state.settings)
  const isOwner = useConsoleState((state) => state.me?.role === 'owner')
  const languages = [
    { value: '', label: t('settings.language.auto') },
    ...LANGUAGES.map((value) => ({ value, label: LANGUAGE_NAMES[value] })),
  ]
  return (
    <Overlay title={t('settings.title')}>
      <div className="flex flex-col px-5 pb-5">
        <Choice
          label={t('settings.language')}
          value={settings.language}
          options={languages}
          onChange={(language) => actions.settings({ language: language as Language | '' })}
        />
        <Choice
          label={t('settings.theme')}
          value={settings.theme}
          options={THEMES.map((value) => ({ value, label: t(`settings.theme.${value}`) }))}
          onChange={(theme) => actions.settings({ theme: theme as Theme })}
        />
        <Toggle
          isOn={settings.sound}
          label={t('settings.sound')}
          hint={t('settings.sound.hint')}
          onChange={(sound) => actions.settings({ sound })}
        />
        <DesktopToggle />
        <Toggle
          isOn={settings.shortcuts}
          label={t('settings.shortcuts')}
          hint={t('settings.shortcuts.hint')}
          onChange={(shortcuts) => actions.settings({ shortcuts })}
        />
        {isOwner && (
          <div className="flex items-center justify-between gap-4 border-t border-line pt-3">
            <span className="flex flex-col">
              <span className="text-sm font-medium">{t('health.title')}</span>
              <span className="text-xs text-muted">{t('health.hint')}</span>
            </span>
            <Button onPress={() => actions.overlay('health')}>{t('health.show')}</Button>
          </div>
        )}
      </div>
    </Overlay>
  )
}

/** The browser's own permission is asked for here and nowhere else. */
function DesktopToggle() {
  const t = useT()
  const actions = useActions()
  const isWanted = useConsoleState((state) => state.settings.desktop)
  const [permission, setPermission] = useState(() =>
    'Notification' in globalThis ? Notification.permission : 'denied',
  )
  const change = async (desktop: boolean) => {
    const answer = desktop && permission === 'default' ? await Notification.requestPermission() : permission
    setPermission(answer)
    actions.settings({ desktop: desktop && answer === 'granted' })
  }
  return (
    <Toggle
      isOn={isWanted && permission === 'granted'}
      isDisabled={permission === 'denied'}
      label={t('settings.desktop')}
      hint={t(permission === 'denied' ? 'settings.desktop.denied' : 'settings.desktop.hint')}
      onChange={(isOn) => void change(isOn)}
    />
  )
}

interface ChoiceProps {
  label: string
  value: string
  options: readonly { value: string; label: string }[]
  onChange(value: string): void
}

function Choice({ label, value, options, onChange }: ChoiceProps) {
  return (
    <RadioGroup
      value={value}
      onChange={onChange}
      className="flex flex-wrap items-center justify-between gap-2 border-t border-line py-3"
    >
      <Label className="text-sm font-medium">{label}</Label>
      <span className="flex rounded-lg bg-sunken p-0.5 inset-ring inset-ring-line">
        {options.map((option) => (
          <Radio
            key={option.value}
            value={option.value}
            className="cursor-pointer rounded-md px-3 py-1 text-sm text-muted selected:bg-surface selected:font-medium selected:text-text selected:shadow-card selected:inset-ring selected:inset-ring-line keyed:outline-2"
          >
            {option.label}
          </Radio>
        ))}
      </span>
    </RadioGroup>
  )
}

interface ToggleProps {
  isOn: boolean
  isDisabled?: boolean
  label: string
  hint: ReactNode
  onChange(isOn: boolean): void
}

function Toggle({ isOn, isDisabled = false, label, hint, onChange }: ToggleProps) {
  return (
    <Switch
      isSelected={isOn}
      isDisabled={isDisabled}
      onChange={onChange}
      className="group flex cursor-pointer items-center justify-between gap-4 border-t border-line py-3 off:cursor-default"
    >
      <span className="flex flex-col">
        <span className="text-sm font-medium">{label}</span>
        <span className="text-xs text-muted">{hint}</span>
      </span>
      <span
        aria-hidden="true"
        className="flex h-5.5 w-9.5 shrink-0 items-center rounded-full bg-line-strong p-0.5 transition-colors group-selected:bg-accent-solid group-off:opacity-50 group-keyed:outline-2 group-keyed:outline-offset-2 group-keyed:outline-accent"
      >
        <span className="size-4.5 rounded-full bg-on-accent transition-transform group-selected:translate-x-4" />
      </span>
    </Switch>
  )
}
