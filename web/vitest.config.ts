import { defineConfig } from 'vitest/config'

// Each workspace's own config says which environment its tests run in; one command runs them all.
export default defineConfig({
  test: { projects: ['client', 'widget', 'console'] },
})
