// The name of a virtual host and its aliases, as clients write them: upper and lower case are the same.

export class HostNames {
  readonly name: string;
  readonly #configured: readonly string[];
  /** Added by administrators, until the server ends. In lower case. */
  readonly #added = new Set<string>();
  readonly #isTaken: (name: string) => boolean;

  /** `isTaken`: whether a virtual host of the same adaptor has that name or alias. */
  constructor(name: string, aliases: readonly string[], isTaken: (name: string) => boolean) {
    this.name = name;
    this.#configured = aliases;
    this.#isTaken = isTaken;
  }

  get aliases(): string[] {
    return [...this.#configured, ...this.#added];
  }

  has(host: string): boolean {
    const wanted = host.toLowerCase();
    return [this.name, ...this.aliases].some((name) => name.toLowerCase() === wanted);
  }

  /** False: a virtual host of the adaptor has that name already. */
  add(alias: string): boolean {
    if (this.#isTaken(alias)) return false;
    this.#added.add(alias.toLowerCase());
    return true;
  }

  /** False: no administrator has added that alias. */
  remove(alias: string): boolean {
    return this.#added.delete(alias.toLowerCase());
  }
}
