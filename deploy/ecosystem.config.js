// pm2 start deploy/ecosystem.config.js: the whole system under PM2, from a checkout that `./dev build` has built.
const path = require('path');
const root = path.resolve(__dirname, '..');

module.exports = {
  apps: [{
    name: 'facefleet',
    script: path.join(root, 'build/release/facefleet'),
    args: ['up', '--data', path.join(root, 'facefleet-data')],
    interpreter: 'none',
    kill_timeout: 6000,  // `up` ends its own processes within 5 s of a signal
    stop_exit_codes: [2],  // the same start would fail again
  }],
};
