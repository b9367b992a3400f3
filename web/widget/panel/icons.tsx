// Line icons of the panel, 24 × 24, drawn with the colour of the text around them.

const icon = (path: string) => () => (
  <svg viewBox="0 0 24 24" aria-hidden="true">
    <path d={path} />
  </svg>
)

export const CloseIcon = icon('m6 6 12 12M18 6 6 18')
export const SendIcon = icon('M12 19V5m-6 6 6-6 6 6')
export const DownIcon = icon('M12 5v14m6-6-6 6-6-6')
export const AlertIcon = icon('M12 8v5m0 3.5v.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z')
export const BubbleIcon = icon(
  'M12 4.2c-4.7 0-8.4 3.1-8.4 7 0 2.2 1.2 4.1 3.1 5.4-.1.9-.5 1.9-1.2 2.7 1.6-.1 3-.6 4.1-1.5.8.2 1.6.3 2.4.3 4.7 0 8.4-3.1 8.4-6.9s-3.7-7-8.4-7Z',
)
