// Says so when the console's script cannot be loaded, and tries again, less and less often.
const TRIES = 'kefu.console-tries';
const WAIT_MS_MAX = 30000;

addEventListener(
  'error',
  (event) => {
    if (!(event.target instanceof HTMLScriptElement)) return;
    document.getElementById('console-problem').hidden = false;
    const tries = Number(sessionStorage.getItem(TRIES)) || 0;
    sessionStorage.setItem(TRIES, String(tries + 1));
    setTimeout(() => location.reload(), Math.min(2000 * 2 ** tries, WAIT_MS_MAX));
  },
  true,
);
addEventListener('load', () => {
  if (document.getElementById('console-problem').hidden) sessionStorage.removeItem(TRIES);
});
