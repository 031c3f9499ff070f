/**
 * The domain's words as people read them, and what each role is offered. Pure.
 *
 * The server decides every right again; this only keeps the form from offering what it would refuse.
 *
 * @typedef {import('./types.js').Role} Role
 * @typedef {import('./types.js').Clearance} Clearance
 * @typedef {import('./types.js').Kind} Kind
 * @typedef {import('./types.js').Status} Status
 * @typedef {import('./types.js').Agent} Agent
 * @typedef {import('./types.js').Mission} Mission
 */

/** @type {Role[]} */
export const ROLES = ['director', 'handler', 'analyst', 'field-operative'];
/** @type {Clearance[]} lowest first */
export const CLEARANCES = ['restricted', 'confidential', 'secret', 'top-secret'];

/** @type {Record<Role, string>} */
export const ROLE_NAME = {
  director: 'Director',
  handler: 'Handler',
  analyst: 'Analyst',
  'field-operative': 'Field operative',
};
/** @type {Record<Role, string>} */
export const ROLE_PLURAL = {
  director: 'directors',
  handler: 'handlers',
  analyst: 'analysts',
  'field-operative': 'field operatives',
};
/** @type {Record<Clearance, string>} */
export const CLEARANCE_NAME = {
  restricted: 'Restricted',
  confidential: 'Confidential',
  secret: 'Secret',
  'top-secret': 'Top secret',
};
/** @type {Record<Clearance, string>} */
export const CLEARANCE_MARK = {
  restricted: 'R',
  confidential: 'C',
  secret: 'S',
  'top-secret': 'TS',
};
/** @type {Record<Kind, string>} */
export const KIND_NAME = {
  message: 'Message',
  report: 'Report',
  position: 'Position',
  alert: 'Alert',
  order: 'Order',
  status: 'Status',
};
/** @type {Record<Status, string>} */
export const STATUS_NAME = {
  planned: 'Planned',
  active: 'Active',
  completed: 'Completed',
  aborted: 'Aborted',
};
export const BODY_LENGTH = 8000;
const NAMED = 3;

/** Whether the role creates, changes and staffs missions. @param {Role} role */
export function mayStaff(role) {
  return role === 'director' || role === 'handler';
}

/** The kinds that the role may publish. @param {Role} role @returns {Kind[]} */
export function kindsFor(role) {
  return mayStaff(role)
    ? ['message', 'report', 'order', 'alert', 'status', 'position']
    : ['message', 'report', 'alert', 'position'];
}

/** Whether the mission takes updates. @param {Status} status */
export function isOpen(status) {
  return status === 'planned' || status === 'active';
}

/** By codename, then id, as the server lists them. @param {Mission} a @param {Mission} b */
export function byCodename(a, b) {
  if (a.codename !== b.codename) return a.codename < b.codename ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

const STANDING = { active: 0, planned: 1, completed: 2, aborted: 2 };

/** Active before planned before closed, then by codename. @param {Mission} a @param {Mission} b */
export function byStanding(a, b) {
  return STANDING[a.status] - STANDING[b.status] || byCodename(a, b);
}

/** From the mission's classification to the own clearance. @param {Clearance} least @param {Clearance} most */
export function classificationsBetween(least, most) {
  return CLEARANCES.slice(CLEARANCES.indexOf(least), CLEARANCES.indexOf(most) + 1);
}

/** The highest of these; the lowest there is for none. @param {Iterable<Clearance>} them @returns {Clearance} */
export function highest(them) {
  let most = 0;
  for (const one of them) most = Math.max(most, CLEARANCES.indexOf(one));
  return CLEARANCES[most] ?? 'restricted';
}

/** `analysts and field operatives`; directors read everything and go without saying. @param {Role[]} roles */
export function rolesInWords(roles) {
  const named = ROLES.filter((role) => roles.includes(role)).map((role) => ROLE_PLURAL[role]);
  if (named.length < 2) return named.join('');
  return `${named.slice(0, -1).join(', ')} and ${named[named.length - 1]}`;
}

/** `4 min`, `1 h 20 min`, `35 s`. @param {number} seconds */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  const minutes = Math.floor((whole % 3600) / 60);
  if (whole < 86400) return `${Math.floor(whole / 3600)} h${minutes ? ` ${minutes} min` : ''}`;
  return `${Math.floor(whole / 86400)} d`;
}

/** `1 update`, `3 updates`. @param {number} count @param {string} noun */
export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `Wren`, `Wren and Finch`, `Wren, Finch, Kestrel and 3 more`. @param {{codename: string}[]} agents */
export function names(agents) {
  const all = agents.map((one) => one.codename);
  const last = all.length > NAMED + 1 ? `${all.splice(NAMED).length} more` : all.pop() ?? '';
  return all.length ? `${all.join(', ')} and ${last}` : last;
}
