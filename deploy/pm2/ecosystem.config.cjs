// chat-server and main site under PM2: `pm2 start ecosystem.config.cjs`, then `pm2 save`.
//
// Settings are read by the programs themselves from chat-server.env and main-site.env beside this file, so that no secret
// gets into PM2's dump. `kefu init --for pm2` writes all three.
const path = require("node:path");

const PROGRAM = "/opt/kefu/bin/kefu";

function program(name, command, envFile) {
  return {
    name,
    script: PROGRAM,
    args: command,
    interpreter: "none",
    exec_mode: "fork",
    cwd: __dirname,
    env: { KEFU_ENV_FILE: path.join(__dirname, envFile) },
    // A stop takes up to 10.5 s (KEFU_STOP_GRACE_MS and KEFU_STOP_DEADLINE_S), with --workers 3 s more; then PM2 kills.
    kill_timeout: 20_000,
    // One that stays up so long has started well; one that does not is started again at growing intervals.
    min_uptime: 5_000,
    exp_backoff_restart_delay: 200,
    time: false,
  };
}

module.exports = {
  apps: [program("chat-server", "server --strict", "chat-server.env"), program("main-site", "site", "main-site.env")],
};
