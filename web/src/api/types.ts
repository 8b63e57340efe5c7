/** What the operations answer, as openapi.json describes it. Only what a page reads is named here. */

export type Role = 'viewer' | 'operator' | 'admin';
export type Mode = 'none' | 'lab' | 'relay';

export interface List<T> {
    items: T[];
    next: string | null;
}

export interface Session {
    authenticated: boolean;
    setup: boolean;
    name?: string;
    role?: Role;
    /** Whether this user signs in with a code, too. */
    totp?: boolean;
    csrf?: string;
    version: string;
    mode: Mode;
}

export interface Status {
    ready: boolean;
    mode: Mode;
    version: string;
    started: string;
    uptime: number;
    listening: string[];
    clients: number;
    machines: number;
    requests: number;
    failed: number;
    requestsPerSecond: number;
    inFlight: number;
    answersNotDurable: number;
    pluginsStarted: number;
    pluginsFailed: number;
    safeMode: boolean;
    degraded: boolean;
    trouble: string[];
}

export interface Backup {
    name: string;
    kind: 'person' | 'daily' | 'uploaded' | 'before-restore';
    made?: string;
    size: number;
    parts: string[];
    encrypted: boolean;
    verified: boolean;
    newest: boolean;
    checked?: string;
    by: string;
    leftOut: { part: string; why: string }[];
    problem: string;
}

export interface PoolProduct {
    application: string;
    countedId: string;
    product: string;
    machines: number;
    cmids: number;
    counted: number;
    virtual: number;
    lastSeen: string;
    count: number;
    required: number;
    upstream: string;
}

export interface Pool {
    machines: number;
    cmids: number;
    virtual: number;
    duplicateCmids: number;
    duplicateMachines: number;
    surplusRequests: number;
    trouble: string;
    products: PoolProduct[];
    statuses: { status: string; machines: number }[];
}

export interface Client {
    cmid: string;
    machine: string;
    product: string;
    addresses: string[];
    firstSeen: string;
    lastSeen: string;
    status: string;
    minutesToExpiry: number;
    virtual: boolean;
    count: number;
    result: string;
    upstream: string;
    required: number;
    requests: number;
    countedAt: string | null;
    application: string;
    countedId: string;
    activationId: string;
    moreAddresses: number;
}

export interface ClientShow {
    cmid: string;
    machines: Client[];
    requests: Event[];
}

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export interface Event {
    seq: number;
    time: string;
    id: number;
    severity: string;
    source: string;
    message: string;
    info: string;
    machine: string;
    cmid: string | null;
    upstream: string | null;
    attempts: number | null;
    waited: number | null;
    fields: Record<string, Json> | null;
}

export interface Evidence {
    text: string;
    time?: string;
    cmid?: string;
    machine?: string;
    address?: string;
}

export interface Reading {
    code: string;
    severity: string;
    certainty: string;
    text: string;
    remedy: string;
    since?: string;
    evidence?: Evidence[];
}

export interface Upstream {
    name: string;
    address: string;
    condition: 'untried' | 'up' | 'down';
    state: 'active' | 'draining' | 'maintenance';
    stateFrom: string;
    stateBy?: string;
    stateSince?: string;
    priority: number;
    weight: number;
    count?: number;
    lastAnswer?: string;
    why: string;
    addresses: string[];
    families: string[];
    versions: number[];
    countsVirtual: 'yes' | 'no' | 'unknown';
    discoveredIn: string;
    asked: number;
    answers: number;
    failures: number;
    associations: number;
    reading: string;
    readings?: Reading[];
    learned?: Record<string, Json>;
}

export interface Domain {
    domain: string;
    state: string;
    record: string;
    server: string;
    why: string;
    zone: string;
    auth: string;
    key: string;
    lastPublished?: string;
    nextAttempt?: string;
    busy: boolean;
    failures: number;
    servers?: { server: string; zone: string; primary: boolean; agrees: boolean; problem: string; records: string[] }[];
}

export interface DnsChange {
    change: '+' | '-' | '=';
    record: string;
    why: string;
    domain: string;
    zone: string;
    server: string;
    auth: string;
    key: string;
    ours: boolean;
    held: string;
    expected: 'accepted' | 'refused' | 'unknown';
    problem: string;
}

export interface DnsTarget {
    domain: string;
    target: string;
    port: number;
    verdict: string;
    evidence: string;
    advice: string;
    priority?: number;
    weight?: number;
    addresses?: string[];
    resolves?: string;
    open: string;
    kms: string;
    firstSeen?: string;
    lastSeen?: string;
    checked?: string;
    changes?: { at: string; verdict: string }[];
}

export interface DnsView {
    conclusion: string;
    finds: boolean;
    code: string;
    domain: string;
    resolver: string;
    ttl: number;
    steps: { kind: string; status: string; subject: string; text: string; code: string; windows: string }[];
    candidates: {
        target: string;
        port: number;
        priority: number;
        weight: number;
        share: string;
        answers: boolean;
        what: string;
        addresses: string[];
    }[];
}

export interface DnsKey {
    name: string;
    algorithm: string;
    bits: number;
    usedBy: string[];
    problem: string;
}

export interface LabKey {
    key: string;
    family: string;
    group: string;
    inForce: boolean;
    name: string;
    covers: number;
    epid: string;
    installed: string;
}

export interface Lab {
    keys: number;
    keysInForce: number;
    currentCount: number;
    granted: number;
    refused: number;
    realClients: number;
    activationInterval: number;
    renewalInterval: number;
    unUpdatedHost: boolean;
}

export interface Plugin {
    name: string;
    version: string;
    kind: string;
    state: 'rejected' | 'quarantined' | 'failed' | 'started' | 'wedged' | 'stopped';
    reason: string;
    file: string;
    buildId: string;
}

export interface Member {
    name: string;
    type: string;
    allowed: string;
    help: string;
    default?: string;
    required: boolean;
}

export interface Setting {
    key: string;
    value?: string;
    source: string;
    default?: string;
    type: string;
    allowed: string;
    help: string;
    items?: Record<string, Json>[];
    fields?: Member[];
    restart: boolean;
    secret?: boolean;
    fixed?: string;
}

export interface Revision {
    number: number;
    when: string;
    author: string;
    comment: string;
}

export interface User {
    name: string;
    role: Role;
    totp?: boolean;
    lastLogin?: string | null;
}

export interface Token {
    id: string;
    name: string;
    role: Role;
    expires?: string | null;
    lastUsed?: string | null;
}

export interface WebSession {
    id: string;
    name: string;
    address?: string;
    started?: string;
    lastSeen?: string;
    current?: boolean;
}

export interface Certificate {
    subject?: string;
    issuer?: string;
    names?: string[];
    notBefore?: string;
    notAfter?: string;
    fingerprint?: string;
    selfSigned?: boolean;
}

export interface Audit {
    number: number;
    time: string;
    who: string;
    from: string;
    front: string;
    /** "PATCH /settings", or a word such as "login". */
    action: string;
    /** What the path names: {name: "ada"}. */
    what: Record<string, Json> | string;
    before?: Json;
    after?: Json;
    result: string;
    detail: string;
    /** How often it came in a row. */
    count: number;
}

// What only a box answers.

export type Addressing = 'off' | 'auto' | 'fixed';

export type NetworkPort = {
    name: string;
    ipv4: Addressing;
    ipv6: Addressing;
    addresses: string[];
    gateway4?: string;
    gateway6?: string;
};

export interface LivePort {
    name: string;
    up: boolean;
    mac: string;
    /** With their networks' bits. */
    addresses: string[];
}

export interface Network {
    ports: NetworkPort[];
    nameServers: string[];
    domains: string[];
    /** Above 0: on trial. */
    secondsLeft: number;
    live: LivePort[];
}

export interface BoxTime {
    ntp: boolean;
    servers: string[];
    zone: string;
    synchronized: boolean;
    now: string;
}

export interface Slot {
    name: string;
    boot?: string;
    state: string;
    health?: string;
    version?: string;
    installed?: string;
}

export interface Slots {
    compatible: string;
    booted: string;
    /** The name of the slot that is started next. */
    primary: string;
    slots: Slot[];
}

export interface Update {
    phase: 'none' | 'installing' | 'installed' | 'failed' | 'running' | 'went-back';
    percent: number;
    words: string;
    slot?: string;
    version?: string;
}

export interface BoxHelper {
    version: string;
    /** There are two systems, and updates. */
    slots: boolean;
}
