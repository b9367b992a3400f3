/** Hands the console's state, language and actions to components. */

import { createContext, useContext } from 'react'
import type { Host } from '../host.ts'
import type { Actions } from '../session/actions.ts'
import type { ConsoleState } from '../state/state.ts'
import type { Store } from '../state/store.ts'
import { useSelector } from '../state/use-selector.ts'

export interface Console {
  store: Store<ConsoleState>
  actions: Actions
  host: Host
}

/** Room for the panes: `wide` shows all, `medium` puts the context into a drawer, `narrow` shows one pane. */
export type Room = 'wide' | 'medium' | 'narrow'

export const ConsoleContext = createContext<Console | null>(null)
export const RoomContext = createContext<Room>('wide')

export function useConsole(): Console {
  const console = useContext(ConsoleContext)
  if (!console) throw new Error('a component of the console was drawn outside its ConsoleContext')
  return console
}

export function useActions(): Actions {
  return useConsole().actions
}

export function useConsoleState<R>(select: (state: ConsoleState) => R, isEqual?: (a: R, b: R) => boolean): R {
  return useSelector(useConsole().store, select, isEqual)
}

export function useRoom(): Room {
  return useContext(RoomContext)
}
