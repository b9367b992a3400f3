/** Three dots that say that somebody types. Decoration: the words stand beside it. */

export function TypingDots({ className = '' }: { className?: string }) {
  return (
    <span aria-hidden="true" className={`kefu-typing inline-flex items-center gap-0.5 ${className}`}>
      <span className="size-1 rounded-full bg-current" />
      <span className="size-1 rounded-full bg-current" />
      <span className="size-1 rounded-full bg-current" />
    </span>
  )
}
