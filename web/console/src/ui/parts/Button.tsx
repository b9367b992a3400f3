/** The console's buttons: one shape, four weights. Looks only; React Aria brings the behaviour. */

import type { ReactNode } from 'react'
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components/Button'
import { Tooltip, TooltipTrigger } from 'react-aria-components/Tooltip'
import { Icon, type IconName } from './Icon.tsx'

type Weight = 'primary' | 'plain' | 'quiet' | 'note'

const WEIGHTS: Record<Weight, string> = {
  primary: 'bg-accent-solid text-on-accent hover:bg-accent-solid-hover',
  plain: 'bg-surface text-text inset-ring inset-ring-line-strong hover:bg-hover',
  quiet: 'text-muted hover:bg-hover hover:text-text',
  note: 'bg-note-solid text-on-accent hover:bg-note-solid-hover',
}

export interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'children'> {
  weight?: Weight
  icon?: IconName
  /** Only the icon is seen, in a square that a finger hits; the children are its name. */
  isIconOnly?: boolean
  children: ReactNode
  testId?: string
  className?: string
}

export function Button({
  weight = 'plain',
  icon,
  isIconOnly = false,
  children,
  testId,
  className = '',
  ...props
}: ButtonProps) {
  return (
    <AriaButton
      {...props}
      data-testid={testId}
      className={`inline-flex shrink-0 cursor-pointer items-center justify-center gap-1.5 rounded-lg text-sm font-medium whitespace-nowrap transition-colors disabled:cursor-default disabled:opacity-45 ${isIconOnly ? 'size-11' : 'h-8 px-3'} ${WEIGHTS[weight]} ${className}`}
    >
      {icon && <Icon name={icon} size={16} />}
      {isIconOnly ? <span className="sr-only">{children}</span> : children}
    </AriaButton>
  )
}

export interface IconButtonProps extends Omit<AriaButtonProps, 'className' | 'children' | 'aria-label'> {
  icon: IconName
  /** What it does, for the tooltip and for screen readers. */
  label: string
  /** The key that does the same, shown in the tooltip. */
  shortcut?: string | undefined
  placement?: 'top' | 'bottom' | 'right' | 'left'
  size?: number
  className?: string
  children?: ReactNode
}

export function IconButton(props: IconButtonProps) {
  const { icon, label, shortcut, placement = 'bottom', size = 18, className = '', children, ...rest } = props
  return (
    <TooltipTrigger delay={500} closeDelay={80}>
      <AriaButton
        {...rest}
        aria-label={label}
        className={`relative inline-grid size-8 shrink-0 cursor-pointer place-items-center rounded-lg text-muted transition-colors hover:bg-hover hover:text-text disabled:cursor-default disabled:opacity-45 ${className}`}
      >
        <Icon name={icon} size={size} />
        {children}
      </AriaButton>
      <Hint placement={placement} shortcut={shortcut}>
        {label}
      </Hint>
    </TooltipTrigger>
  )
}

interface HintProps {
  children: ReactNode
  shortcut?: string | undefined
  placement?: 'top' | 'bottom' | 'right' | 'left'
}

export function Hint({ children, shortcut, placement = 'bottom' }: HintProps) {
  return (
    <Tooltip
      placement={placement}
      offset={6}
      className="kefu-fade z-50 flex items-center gap-2 rounded-md bg-inverse px-2 py-1 text-xs font-medium text-on-inverse"
    >
      {children}
      {shortcut && <kbd className="font-sans opacity-70">{shortcut}</kbd>}
    </Tooltip>
  )
}
