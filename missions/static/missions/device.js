/** What a User-Agent says in a few words. Pure: only words of this page come out, or the text itself. */

/** @type {[RegExp, string][]} the first that fits, because each browser names those before it */
const PROGRAMS = [
  [/\bEdg(e|A|iOS)?\//, 'Edge'],
  [/\b(OPR|Opera)\//, 'Opera'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\b(Chrome|CriOS|Chromium|HeadlessChrome)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];
/** @type {[RegExp, string][]} */
const SYSTEMS = [
  [/\bAndroid\b/, 'Android'],
  [/\b(iPhone|iPad|iPod)\b/, 'iOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];

/** `Firefox on Linux`; for programs the text as it is. @param {string} userAgent */
export function device(userAgent) {
  const program = first(PROGRAMS, userAgent);
  const system = first(SYSTEMS, userAgent);
  if (program && system) return `${program} on ${system}`;
  return userAgent.trim() || 'Unknown program';
}

/** @param {[RegExp, string][]} names @param {string} text */
const first = (names, text) => names.find(([pattern]) => pattern.test(text))?.[1];
