/** The icons, 16 x 16, stroked with the colour of the text beside them. Always next to a word. */

/** @type {Record<string, string>} */
const PATHS = {
  message: 'M2.5 3.5h11v7.5h-6l-3 2.5v-2.5h-2z',
  report: 'M4 2.5h6l2.5 2.5v8.5H4zM6 7h4.5M6 9.5h4.5M9.5 2.5V5.5h3',
  order: 'M4 13.5v-11M4 3h8.5l-2 2.75 2 2.75H4',
  alert: 'M8 2.5l6 10.5H2zM8 6.5v3M8 11.2v.3',
  status: 'M2 8h3l1.75-4 2.5 8L11 8h3',
  position: 'M8 14c3-3.2 4.5-5.4 4.5-7.5a4.5 4.5 0 0 0-9 0C3.5 8.6 5 10.8 8 14zM8 8a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z',
  check: 'M3 8.5l3.25 3.25L13 5',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.75V8l2.25 1.5',
  down: 'M8 3v10M4 9l4 4 4-4',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  plus: 'M8 3v10M3 8h10',
  close: 'M4 4l8 8M12 4l-8 8',
  people: 'M6 7.5a2.25 2.25 0 1 0 0-4.5 2.25 2.25 0 0 0 0 4.5zM2 13c.3-2.3 1.8-3.5 4-3.5s3.7 1.2 4 3.5M10.5 7.5a2 2 0 1 0-.8-3.8M12 9.8c1.2.5 1.9 1.6 2 3.2',
  locate: 'M8 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM8 1.5v3M8 11.5v3M1.5 8h3M11.5 8h3',
};

/** @param {string} name @returns {SVGSVGElement} */
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  path.setAttribute('d', PATHS[name] ?? '');
  svg.append(path);
  return svg;
}
