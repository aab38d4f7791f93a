/**
 * The shapes of the board, as the API and the events carry them.
 *
 * @typedef {object} Task
 * @property {string} id
 * @property {string} title
 * @property {string} description
 * @property {boolean} [descriptionCut]  only the beginning of the description is here: of a long one on a board
 * @property {string} column
 * @property {number} position
 * @property {string | null} assignee  a user's id
 * @property {string[]} labels
 * @property {string | null} dueOn     a day, "2026-11-24"
 * @property {number} version
 * @property {string} [createdAt]
 * @property {string} [updatedAt]
 *
 * @typedef {{id: string, name: string, position: number, done?: boolean}} Column  done: its tasks are never overdue
 * @typedef {{id: string, name: string, username: string}} Person
 * @typedef {"owner" | "editor" | "viewer"} Role
 * @typedef {{id: string, user: Person, role: Role}} Member
 * @typedef {{id: string, name: string, public: boolean}} Project
 * @typedef {{id: string, taskId: string, author: Person, text: string, createdAt: string, updatedAt: string}} Comment
 *
 * @typedef {object} Snapshot
 * @property {number} seq
 * @property {Project} project
 * @property {Member[]} members
 * @property {Person[]} [people]  whom tasks are assigned to, and who are no members any more
 * @property {Column[]} columns
 * @property {Task[]} tasks
 * @property {Record<string, number>} [commentCounts]
 *
 * @typedef {{seq: number, event: string, data: any, projectId?: string, at?: string, mutationId?: string | null, actor?: {id: string | null, name: string} | null}} BoardEvent
 *
 * What the board needs of a connection; it does not know what carries the events.
 * @typedef {object} Feed
 * @property {(room: string, since: number) => void} joinProject
 * @property {(room: string, seq: number) => void} restartAt
 * @property {() => void} renew  connects anew, as whoever is logged in by now
 * @property {() => Promise<void>} retryNow  tries everything at once
 * @property {(room: string, state: unknown) => void} sendPresence
 * @property {(count: number) => void} reportWaiting
 * @property {(name: string, listener: (data: any) => void) => void} on
 */

export {};
