/** What a browser keeps for us, where it keeps anything: private windows and full disks may refuse. */

export function read(storage: () => Storage, key: string): string | null {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

/** Keep `value`; null forgets it. */
export function write(storage: () => Storage, key: string, value: string | null): void {
  try {
    if (value === null) storage().removeItem(key);
    else storage().setItem(key, value);
  } catch {
    // Then nothing outlives the page.
  }
}

export function readJson<T>(storage: () => Storage, key: string): T | undefined {
  const text = read(storage, key);
  try {
    return text === null ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}

export const tab = (): Storage => sessionStorage;
export const device = (): Storage => localStorage;
