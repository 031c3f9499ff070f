import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { device } from '../../missions/static/missions/device.js';

const LINUX = 'Mozilla/5.0 (X11; Linux x86_64)';

test('a browser and its system in a few words', () => {
  assert.equal(device(`${LINUX} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36`), 'Chrome on Linux');
  assert.equal(device('Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0'), 'Edge on Windows');
  assert.equal(device('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15'), 'Safari on macOS');
  assert.equal(device('Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0'), 'Firefox on Android');
});

test('a program is called what it calls itself', () => {
  assert.equal(device('curl/8.14.1'), 'curl/8.14.1');
  assert.equal(device(' '), 'Unknown program');
});
