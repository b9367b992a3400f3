// Waits until chat-server answers, then loads the page again, which brings the console. Asks less often over time.
const { statusUrl, loginUrl } = document.currentScript.dataset;
const FIRST_WAIT_MS = 1000;
const WAIT_MS_MAX = 10000;

let waitMs = FIRST_WAIT_MS;

async function ask() {
  try {
    const answer = await fetch(statusUrl, { cache: 'no-store' });
    if (answer.status === 401) return location.assign(loginUrl);
    if (answer.ok && (await answer.json()).connected) return location.reload();
  } catch {
    // The main site itself is away for a moment: keep asking.
  }
  waitMs = Math.min(waitMs * 1.3, WAIT_MS_MAX);
  setTimeout(ask, waitMs);
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) waitMs = FIRST_WAIT_MS;
});
setTimeout(ask, waitMs);
