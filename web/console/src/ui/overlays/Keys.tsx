/** Keys as they stand on a keyboard. */

export function Keys({ keys }: { keys: readonly string[] }) {
  return (
    <span className="flex shrink-0 gap-1">
      {keys.map((key) => (
        <kbd
          key={key}
          className="min-w-6 rounded-md bg-sunken px-1.5 py-0.5 text-center font-sans text-xs text-muted inset-ring inset-ring-line-strong"
        >
          {key.length === 1 ? key.toLocaleUpperCase() : key}
        </kbd>
      ))}
    </span>
  )
}
