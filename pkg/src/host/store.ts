/**
 * The records of a device and the key that seals them.
 *
 * Both live in one IndexedDB database, so that neither survives the other. The storage key is
 * wrapped by a WebCrypto key that cannot be extracted. Every write checks that the store is
 * still of the same generation (it was not started anew) and term (no other tab took over).
 */

import { SottovoceError } from "../error.js";
import type { Batch, Record as SealedRecord } from "../wasm/staff/sottovoce.js";

/** What the engine needs from storage. */
export interface Store {
    /** Whether what is written outlives the page. */
    readonly durable: boolean;
    /** Names this start of the store; sealed into every record. */
    readonly generation: number;
    /** 32 bytes, for the core. */
    readonly storageKey: Uint8Array;
    /** What was stored when the store was opened. */
    readonly records: SealedRecord[];
    /**
     * Writes all or nothing; resolves when it is durable.
     *
     * @throws SottovoceError `superseded` when another tab took over or the store was started
     *   anew; anything else means that the browser did not keep it.
     */
    write(batch: Batch): Promise<void>;
    /** Lets go of the database. */
    close(): void;
}

/** The one record of `meta`. */
interface Meta {
    generation: number;
    term: number;
    wrappingKey: CryptoKey;
    iv: Uint8Array<ArrayBuffer>;
    wrappedKey: ArrayBuffer;
}

const META = "meta";
const RECORDS = "records";
const DEVICE = "device";

/** Whether a store of this name exists. Does not create one. */
export async function storeExists(name: string): Promise<boolean> {
    try {
        const database = await openDatabase(name, false);
        database?.close();
        return database !== undefined;
    } catch {
        return false;
    }
}

/** Opens a store, or makes it; supersedes whoever had it open. In memory if it must be. */
export async function openStore(name: string): Promise<Store> {
    try {
        return await openDurable(name);
    } catch (error) {
        console.warn("sottovoce: nothing can be stored here, the chat ends with the page", error);
        return memoryStore();
    }
}

/** Forgets everything in a store: the next one to open it starts with new keys. */
export async function startAnew(name: string): Promise<void> {
    const database = await openDatabase(name, false);
    if (!database) return;
    try {
        const known = await read(database);
        const fresh = await makeMeta((known?.generation ?? 0) + 1);
        await transact(database, (meta, records) => {
            records.clear();
            // The term goes on rising, so that no former leader fits by chance.
            meta.put({ ...fresh, term: (known?.term ?? 0) + 1 }, DEVICE);
        });
    } finally {
        database.close();
    }
}

async function openDurable(name: string): Promise<Store> {
    const database = await openDatabase(name, true);
    if (!database) throw new SottovoceError("storage-unavailable", "The store was not made.");
    try {
        // Keys are made outside of the transaction, which does not wait for WebCrypto.
        const spare = (await read(database)) ? undefined : await makeMeta(1);
        const { meta, records } = await takeOver(database, spare);
        const storageKey = await crypto.subtle.decrypt(
            { name: "AES-GCM", iv: meta.iv },
            meta.wrappingKey,
            meta.wrappedKey,
        );
        database.onversionchange = () => database.close();
        return {
            durable: true,
            generation: meta.generation,
            storageKey: new Uint8Array(storageKey),
            records,
            write: (batch) => write(database, meta, batch),
            close: () => database.close(),
        };
    } catch (error) {
        database.close();
        throw error;
    }
}

function memoryStore(): Store {
    return {
        durable: false,
        generation: 1,
        storageKey: crypto.getRandomValues(new Uint8Array(32)),
        records: [],
        write: async () => {},
        close: () => {},
    };
}

async function makeMeta(generation: number): Promise<Meta> {
    const wrappingKey = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
        "encrypt",
        "decrypt",
    ]);
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const storageKey = crypto.getRandomValues(new Uint8Array(32));
    const wrappedKey = await crypto.subtle.encrypt(
        { name: "AES-GCM", iv },
        wrappingKey,
        storageKey,
    );
    storageKey.fill(0);
    return { generation, term: 0, wrappingKey, iv, wrappedKey };
}

/** Begins a term: from here on the writes of earlier terms fail. */
async function takeOver(
    database: IDBDatabase,
    spare: Meta | undefined,
): Promise<{ meta: Meta; records: SealedRecord[] }> {
    let meta: Meta | undefined;
    let all: SealedRecord[] = [];
    await transact(database, (metas, records, transaction) => {
        metas.get(DEVICE).onsuccess = ({ target }) => {
            const known = (target as IDBRequest<Meta | undefined>).result ?? spare;
            if (!known) return transaction.abort();
            meta = { ...known, term: known.term + 1 };
            try {
                metas.put(meta, DEVICE);
            } catch {
                // Some private windows keep no keys.
                transaction.abort();
            }
        };
        records.getAll().onsuccess = ({ target }) => {
            all = (target as IDBRequest<SealedRecord[]>).result;
        };
    });
    if (!meta) throw new SottovoceError("storage-unavailable", "The store has no key.");
    return { meta, records: all };
}

async function write(database: IDBDatabase, mine: Meta, batch: Batch): Promise<void> {
    let superseded = false;
    try {
        await transact(database, (metas, records, transaction) => {
            metas.get(DEVICE).onsuccess = ({ target }) => {
                const now = (target as IDBRequest<Meta | undefined>).result;
                superseded = now?.generation !== mine.generation || now.term !== mine.term;
                if (superseded) return transaction.abort();
                for (const record of batch.puts) records.put(record);
                for (const name of batch.deletes) records.delete(name);
            };
        });
    } catch (error) {
        if (!superseded) throw error;
        throw new SottovoceError("superseded", "Another tab has this store.", { cause: error });
    }
}

async function read(database: IDBDatabase): Promise<Meta | undefined> {
    const request: IDBRequest<Meta | undefined> = database
        .transaction(META)
        .objectStore(META)
        .get(DEVICE);
    return new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
}

/** One strictly durable transaction over everything; resolves when it is complete. */
function transact(
    database: IDBDatabase,
    work: (meta: IDBObjectStore, records: IDBObjectStore, transaction: IDBTransaction) => void,
): Promise<void> {
    return new Promise((resolve, reject) => {
        const transaction = database.transaction([META, RECORDS], "readwrite", {
            durability: "strict",
        });
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
        work(transaction.objectStore(META), transaction.objectStore(RECORDS), transaction);
    });
}

function openDatabase(name: string, create: boolean): Promise<IDBDatabase | undefined> {
    return new Promise((resolve, reject) => {
        const request = indexedDB.open(name, 1);
        request.onupgradeneeded = () => {
            // Aborting the first upgrade leaves no database behind.
            if (!create) return request.transaction?.abort();
            request.result.createObjectStore(META);
            request.result.createObjectStore(RECORDS, { keyPath: "name" });
        };
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => (create ? reject(request.error) : resolve(undefined));
        request.onblocked = () => reject(new Error("blocked"));
    });
}
