/**
 * The shapes that the dashboard's modules share: what the wire carries and what the store holds.
 * Types only; nothing runs here.
 */

/** @typedef {'director' | 'handler' | 'analyst' | 'field-operative'} Role */
/** @typedef {'restricted' | 'confidential' | 'secret' | 'top-secret'} Clearance */
/** @typedef {'report' | 'order' | 'alert' | 'status' | 'position' | 'message'} Kind */
/** @typedef {'planned' | 'active' | 'completed' | 'aborted'} Status */

/** @typedef {{codename: string, role: Role}} AgentName */
/** @typedef {AgentName & {id: string}} Candidate */
/** @typedef {AgentName & {id: string, username: string, clearance: Clearance}} Agent */
/**
 * @typedef {{id: string, codename: string, objective: string, status: Status,
 *   classification: Clearance}} Mission
 */
/**
 * @typedef {{id: string, kind: Kind, body: string, data: Record<string, unknown>,
 *   author: AgentName, classification: Clearance, roles: Role[], requires_ack: boolean,
 *   ack_within: number | null, created_at: string}} Update
 */
/** @typedef {{seq: number | null, update: Update}} Entry */
/** @typedef {{seq: number, update: Update}} Numbered */
/**
 * @typedef {{mission: string, epoch: string, seq: number, recovered: boolean,
 *   updates: Entry[], acknowledged: string[]}} Page
 */
/** @typedef {{agent: AgentName, at: string | null}} Receipt */
/** @typedef {{classification: Clearance, roles: Role[]}} Audience */
/** @typedef {{code: string, message: string, field?: string}} Refusal */

/**
 * A frame as it came: the reducer looks at `type` and ignores what it does not know.
 * @typedef {{type: string, id?: string | number} & Record<string, any>} Frame
 */

/**
 * How a room stands to its stream. `none`: never loaded; `asked`: a subscribe is under way;
 * `current`: live; `stale`: what is held may lack its end; `void`: held, but the next page must
 * replace it.
 * @typedef {'none' | 'asked' | 'current' | 'stale' | 'void'} Sync
 */
/** @typedef {{after: number, count: number, at: number}} Resumed */
/**
 * Who has not acknowledged, null: not looked up yet; `update` where the log does not hold it; `stale`:
 * the connection was lost since, look it up again.
 * @typedef {{missing: AgentName[] | null, update: Update | null, stale?: boolean}} Late
 */
/**
 * @typedef {object} Room
 * @property {Sync} sync
 * @property {string | null} epoch
 * @property {number} seq newest number held or announced
 * @property {Numbered[]} entries ascending, without a hole
 * @property {Update[]} sent own updates that the own stream lacks, as far as known
 * @property {Update[]} waiting what asks this agent and is older than the entries, as far as known
 * @property {boolean} awaited whether the server has said what waits, here and for others
 * @property {Record<string, true>} acknowledged
 * @property {number} back how many entries stay beyond the newest `KEPT`, for a reader who pages back
 * @property {number} unread
 * @property {boolean} urgent an alert or an order is among the unread
 * @property {Resumed | null} resumed
 * @property {AgentName[] | null} present members who follow the mission now; null: not told
 * @property {Record<string, Late>} overdue by update, as told or looked up; nobody missing: settled
 */

/**
 * @typedef {object} Link
 * @property {'connecting' | 'live' | 'reconnecting' | 'barred' | 'signed_out'} state `barred`: until a second factor is set
 * @property {number | null} [at] when the next try starts, in ms since the epoch
 * @property {string} [why] a sentence
 */

/**
 * @typedef {object} State
 * @property {Link} link
 * @property {Agent | null} agent
 * @property {boolean} listed whether the list of missions has arrived
 * @property {Record<string, Mission>} missions
 * @property {Record<string, Room>} rooms
 * @property {string | null} selected
 * @property {Record<string, true>} acknowledging
 * @property {string} notice one sentence about what happened, or nothing
 * @property {string} about what the notice is about: with its reason it goes
 */

export {};
